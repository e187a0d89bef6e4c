/* On a narrow screen the tab of the page in view may lie outside its row: bring it in. */
"use strict";

for (const current of document.querySelectorAll(".tabs [aria-current], .site-nav [aria-current]")) {
  const row = current.closest("ul");
  row.scrollLeft = current.offsetLeft - row.offsetLeft - (row.clientWidth - current.offsetWidth) / 2;
}
