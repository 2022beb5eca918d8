/* A second window on the right half of the screen: press in one, look at the other. */

const button = document.querySelector("#second");
button.hidden = false;
button.addEventListener("click", () => {
  const { availWidth, availHeight, availLeft = 0, availTop = 0 } = screen;
  const width = Math.max(400, Math.floor(availWidth / 2));
  const left = availLeft + availWidth - width;
  open(location.pathname, "tandem-second", `popup,width=${width},height=${availHeight},left=${left},top=${availTop}`);
});
