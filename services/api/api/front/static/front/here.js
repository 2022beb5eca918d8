/* Who is here is a live block; who comes and goes is told by the channel, and the block asks anew. */

const block = document.querySelector(".who tandem-live");
const refresh = () => block.refresh();

if (block) {
  tandem.subscribe(block.getAttribute("channel"), { onJoin: refresh, onLeave: refresh, onReload: refresh });
}
