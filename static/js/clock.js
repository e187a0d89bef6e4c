/* How long a comparison was in view and in use. Loaded on the comparison page only, and that page
   comes after the consent; nothing leaves the browser except with an answer. */
"use strict";

// Before the first paint, so that nothing moves later; taken back if the page's script is lost.
document.documentElement.classList.add("scripted");
document.addEventListener("DOMContentLoaded", () => {
  if (!window.jeoulReady) document.documentElement.classList.remove("scripted");
});

window.jeoulClock = (() => {
  const STORE = "jeoul-clock";
  let item = "", times = {}, mark = 0, was = "focus";

  function state() {
    return document.hidden ? "hidden" : document.hasFocus() ? "focus" : "visible";
  }

  // Adds what passed since the last look to where the page was until now.
  function tick() {
    const now = performance.now(), passed = now - mark;
    mark = now;
    if (was === "hidden") times.hidden_ms += passed;
    else times.visible_ms += passed;
    if (was === "focus") times.focus_ms += passed;
    was = state();
  }

  // A reload is the same reading of the same item, so its time goes on.
  function earlier() {
    try {
      const kept = JSON.parse(sessionStorage.getItem(STORE));
      return kept && kept.item === item ? kept.times : null;
    } catch { return null; }
  }

  function keep() {
    tick();
    try { sessionStorage.setItem(STORE, JSON.stringify({ item, times })); } catch { /* not allowed here */ }
  }

  function start(id) {
    item = id;
    mark = performance.now();
    was = state();
    times = earlier() || { visible_ms: 0, focus_ms: 0, hidden_ms: 0, first_action_ms: null, paste_chars: 0 };
  }

  function acted() {
    if (!item || times.first_action_ms !== null) return;
    tick();
    times.first_action_ms = times.visible_ms + times.hidden_ms;
  }

  function fill(form) {
    tick();
    for (const [name, value] of Object.entries(times)) {
      if (form.elements[name]) form.elements[name].value = value === null ? "" : Math.round(value);
    }
  }

  document.addEventListener("visibilitychange", tick);
  window.addEventListener("focus", tick);
  window.addEventListener("blur", tick);
  window.addEventListener("pagehide", keep);
  for (const kind of ["pointerdown", "keydown"]) document.addEventListener(kind, acted, { capture: true, passive: true });
  document.addEventListener("paste", (event) => {
    // How many characters, never which.
    if (event.target.matches?.("textarea")) times.paste_chars += (event.clipboardData?.getData("text") || "").length;
  });

  return { start, fill };
})();
