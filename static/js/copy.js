/* Copies the completion code; without it the code is selected by one click (user-select: all). */
"use strict";

for (const button of document.querySelectorAll("[data-copy]")) {
  const texts = document.getElementById("texts").dataset, status = document.getElementById("status");
  button.hidden = false;
  button.addEventListener("click", async () => {
    const code = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(code.textContent.trim());
      status.textContent = texts.copied;
    } catch {
      // A frame may not be allowed to: select it, so that one key press copies.
      getSelection().selectAllChildren(code);
      status.textContent = texts.notCopied;
    }
  });
}
