/* Copies a code or a link; without it the text is selected by one click (user-select: all). */
"use strict";

for (const button of document.querySelectorAll("[data-copy]")) {
  const words = document.getElementById("texts")?.dataset ?? button.dataset;
  const status = document.getElementById("status") ?? document.getElementById("messages");
  button.hidden = false;
  button.addEventListener("click", async () => {
    const source = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText((source.value ?? source.textContent).trim());
      status.textContent = words.copied;
    } catch {
      // A frame may not be allowed to: select it, so that one key press copies.
      if (source.select) source.select();
      else getSelection().selectAllChildren(source);
      status.textContent = words.notCopied;
    }
  });
}
