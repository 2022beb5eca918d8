// Writes the vectors of services/realtime/tests/fossil_vectors.json: deltas as the package fossil-delta makes them.
// node fossil_vectors.mjs > ../../realtime/tests/fossil_vectors.json
import { createDelta } from "fossil-delta";

const pairs = [
  ["", "a first text"],
  ["the same", "the same"],
  ["gone", ""],
  ['{"value":41,"by":"Ada"}', '{"value":42,"by":"Ada"}'],
  ["größe: 5 €", "größe: 6 €, Ⅸ"],
  ["😀😁😂".repeat(9), "😀😁🤣".repeat(9)],
  [JSON.stringify({ rows: numbers(80) }), JSON.stringify({ rows: numbers(80).with(40, "new") })],
  [JSON.stringify({ rows: numbers(80) }), JSON.stringify({ rows: numbers(80).slice(20) })],
  [JSON.stringify({ rows: numbers(80) }), JSON.stringify({ rows: numbers(80).reverse() })],
  ["abcdefgh".repeat(300), "abcdefgh".repeat(150) + "-" + "abcdefgh".repeat(200)],
  [letters(4000), letters(4000).slice(1500) + letters(4000).slice(0, 1500)],
  [letters(4000), letters(4000).replaceAll("q", "qu")],
];

function numbers(count) {
  return Array.from({ length: count }, (_, index) => (index * 7919) % 1009);
}

function letters(count) {
  let state = 1;
  return Array.from({ length: count }, () => {
    state = (state * 48271) % 2147483647;
    return String.fromCharCode(97 + (state % 26));
  }).join("");
}

const encoder = new TextEncoder();
const vectors = pairs.map(([source, target]) => {
  const delta = createDelta(encoder.encode(source), encoder.encode(target));
  return { source, target, delta: Buffer.from(delta).toString("base64") };
});
console.log(JSON.stringify(vectors, null, 1));
