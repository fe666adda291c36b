// The page works without this: it adds copy buttons, "open all", and opens every claim for print.
"use strict";
for (const button of document.querySelectorAll("button.copy")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const code = button.previousElementSibling;
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = "copied";
    } catch {
      getSelection().selectAllChildren(code); // no clipboard from a file: leave it selected
      button.textContent = "selected";
    }
  });
}

const claims = [...document.querySelectorAll("details.claim")];
const openAll = document.getElementById("open-all");
if (openAll) {
  openAll.hidden = false;
  openAll.addEventListener("click", () => {
    const open = claims.some((claim) => !claim.open);
    for (const claim of claims) claim.open = open;
    openAll.textContent = open ? "close all" : "open all";
  });
}

addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details")) details.open = true;
});

// Browsers that do not open the <details> around the target of a link need this.
function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const claim = target && target.closest("details.claim");
  if (!claim) return;
  const all = document.getElementById("show-all");
  if (all) all.checked = true;
  claim.open = true;
  claim.scrollIntoView();
}
addEventListener("hashchange", openTarget);
openTarget();
