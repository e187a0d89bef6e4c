/* The comparison page: keys, raw text, one column, scrolling together, drafts, the next card.
   Everything here is also there without it, by the page's plain forms and links. */
"use strict";

(() => {
  const DRAFT_AFTER = 1200, BEAT_EVERY = 30_000, BEAT_WHILE_ACTIVE = 10 * 60_000, KEYS = "jeoul-keys";
  const clock = window.jeoulClock, outbox = window.jeoulOutbox, say = window.jeoulSay;
  const root = document.documentElement, keys = document.getElementById("keys");
  const one = (selector) => document.querySelector(selector);
  const all = (selector) => [...document.querySelectorAll(selector)];
  const pressed = (button, on) => button?.setAttribute("aria-pressed", String(on));
  const WARN_BEFORE = 120_000;
  let raw = false, together = false, clear = false, draftTimer = 0, active = performance.now(), until = 0, held = 0;

  /* What a person set stays set from card to card. */
  function showRaw(on) {
    raw = on;
    one("#card").classList.toggle("raw-on", on);
    for (const box of all(".raw-box")) box.open = on;
    pressed(one("[data-action=raw]"), on);
  }

  // Announced texts stay blurred until they are asked for, where the study wants that.
  function showClearly(on) {
    clear = on;
    one("#card").classList.toggle("is-clear", on);
    pressed(one("[data-action=clear]"), on);
  }

  function scrollTogether(on) {
    together = on;
    one(".pair").classList.toggle("pair--together", on);
    for (const body of all(".answer-body")) {
      if (on) body.tabIndex = 0; else body.removeAttribute("tabindex");
    }
    pressed(one("[data-action=together]"), on);
  }

  function follow(event) {
    const from = event.target;
    // Only the box under the hand leads, else each would pull the other.
    if (!together || !from.matches?.(".answer-body") || !from.matches(":hover, :focus-within, :focus")) return;
    const other = all(".answer-body").find((body) => body !== from);
    const room = from.scrollHeight - from.clientHeight;
    if (other && room > 0) other.scrollTop = (from.scrollTop / room) * (other.scrollHeight - other.clientHeight);
  }

  function showAnswer(number) {
    const pair = one(".pair");
    pair.dataset.showing = number;
    for (const button of all("[data-show]")) pressed(button, button.dataset.show === number);
    const top = pair.getBoundingClientRect().top;
    if (top < 0) pair.scrollIntoView({ block: "start" });
  }

  /* Keys */
  const keysOn = one("[data-keys-on]");
  try { keysOn.checked = localStorage.getItem(KEYS) !== "off"; } catch { /* not allowed here */ }
  keysOn.addEventListener("change", () => {
    try { localStorage.setItem(KEYS, keysOn.checked ? "on" : "off"); } catch { /* not allowed here */ }
    root.classList.toggle("hints", keysOn.checked);
  });

  function openKeys() {
    root.classList.toggle("hints", keysOn.checked);
    keys.showModal();
  }

  function answeredIn(criterion) {
    return criterion.querySelector("input[type=radio]:checked") !== null;
  }

  // The question at hand: the one with the focus, else the first without an answer, else the last.
  function questionAtHand() {
    const questions = all(".criterion");
    return document.activeElement?.closest(".criterion") || questions.find((c) => !answeredIn(c)) || questions.at(-1);
  }

  function choose(key) {
    const question = questionAtHand();
    const step = question?.querySelector(`input[data-kbd="${key}"]`);
    if (!step) return;
    step.checked = true;
    step.dispatchEvent(new Event("change", { bubbles: true }));
    root.classList.add("hints");
    if (question.contains(document.activeElement) && document.activeElement.type === "radio") step.focus();
    const next = all(".criterion").find((c) => !answeredIn(c));
    (next || question).scrollIntoView({ block: "nearest" });
  }

  // By the letter, or by the place on the keyboard where the letter is not Latin (한글, кириллица).
  function keyOf(event) {
    const key = event.key.toLowerCase();
    if (/^[0-7a-z?]$/.test(key) || key === "enter") return key;
    return event.shiftKey ? "" : (/^(?:Digit|Numpad|Key)([0-7A-Z])$/.exec(event.code)?.[1] || "").toLowerCase();
  }

  const TYPING = "textarea, select, input:not([type=radio], [type=checkbox]), [contenteditable]";
  const OWN_ENTER = "a, button, summary, input";
  document.addEventListener("keydown", (event) => {
    if (!keysOn.checked || event.repeat || event.isComposing || event.defaultPrevented || keys.open) return;
    if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest?.(TYPING)) return;
    const key = keyOf(event), form = one("#judgement");
    // Texts behind a content warning are opened before they are judged.
    if (!form?.checkVisibility()) return;
    if (/^[0-7]$/.test(key)) { if (!outbox.pending()) choose(key); }
    else if (key === "r") showRaw(!raw);
    else if (key === "s") scrollTogether(!together);
    else if (key === "a") showAnswer(one(".pair").dataset.showing === "1" ? "2" : "1");
    else if (key === "?") openKeys();
    else if (key === "enter" && !event.target.closest?.(OWN_ENTER)) form.requestSubmit();
    else return;
    event.preventDefault();
  });

  /* Drafts and the reservation */
  const CHOSEN = /^(choice|chips|text)_/;
  async function saveDraft() {
    const card = one("#card"), form = one("#judgement");
    // A changed answer has no draft: the one in force stays until the new one is sent.
    if (!form || !card.dataset.draftUrl || form.elements.revise || outbox.pending()) return;
    const fields = [...new FormData(form)].filter(([name]) => CHOSEN.test(name));
    try {
      const response = await fetch(card.dataset.draftUrl, { method: "POST", body: new URLSearchParams(fields), keepalive: true });
      if (response.ok && card.isConnected && !outbox.pending()) say("draft");
    } catch { /* the next change tries again, and the answer itself has the outbox */ }
  }

  async function beat() {
    const card = one("#card"), url = card.dataset.heartbeatUrl;
    warn();
    // An open page that nobody looks at gives its comparison back in time.
    if (!url || document.hidden || performance.now() - active > BEAT_WHILE_ACTIVE) return;
    try {
      const response = await fetch(url, { method: "POST", keepalive: true });
      if (response.ok && card.isConnected) holdFor(Number(response.headers.get("Held-Seconds")));
    } catch { /* the next beat tries again */ }
  }

  // Whoever is gone keeps their place for a few minutes, as for a reload or a look at the
  // instructions; then it is another's.
  function leave() {
    const url = one("#card")?.dataset.heartbeatUrl;
    if (url) navigator.sendBeacon(url, new URLSearchParams({ leaving: "1" }));
  }

  function holdFor(seconds) {
    held = 1000 * seconds;
    until = seconds ? performance.now() + held : 0;
    warn();
  }

  // Said in time, and one press keeps it (WCAG 2.2.1); whoever works is never asked.
  function warn() {
    const left = until - performance.now(), early = Math.min(WARN_BEFORE, held / 3);
    one("#time-note").hidden = !until || left > early || left < 0 || performance.now() - active < early;
  }

  function stay() {
    active = performance.now();
    one("#time-note").hidden = true;
    one("#card-title").focus({ preventScroll: true });
    beat();
  }

  /* Sending, and the next card */
  function freeze(on) {
    const form = one("#judgement");
    if (!form) return;
    form.classList.toggle("is-sending", on);
    for (const question of all(".criterion")) question.inert = on;
    one("[data-submit]").setAttribute("aria-disabled", String(on));
  }

  function onSubmit(event) {
    const form = event.target;
    if (form.id !== "judgement") return;
    event.preventDefault();
    clearTimeout(draftTimer);
    clock.fill(form);
    outbox.send(form.getAttribute("action"), new URLSearchParams(new FormData(form)).toString());
    freeze(true);
  }

  function refuse(page) {
    const note = document.createElement("p");
    note.className = "alert alert--danger";
    note.setAttribute("role", "alert");
    note.textContent = page.querySelector("[data-code]")?.textContent || one("#texts").dataset.refused;
    one("#judgement .alert--danger")?.remove();
    one("#judgement").prepend(note);
    note.scrollIntoView({ block: "nearest" });
  }

  outbox.whenAnswered(({ sent, page, ok, leaveTo }) => {
    if (leaveTo) { location.assign(leaveTo); return; }
    const card = one("#card"), next = page.querySelector("#card");
    freeze(false);
    if (!next) {
      if (ok) location.reload(); else refuse(page);
      return;
    }
    // The answer of an earlier page: what is being read now stays.
    if (ok && !sent.url.includes(card.dataset.assignment) && next.dataset.assignment === card.dataset.assignment) return;
    card.replaceWith(document.adoptNode(next));
    if (next.dataset.url && location.pathname !== next.dataset.url) history.replaceState(null, "", next.dataset.url);
    document.title = document.title.replace(/^[^·]*/, `${next.dataset.title} `);
    wake();
    window.scrollTo(0, 0);
    (one("#errors") || one("#card-title")).focus({ preventScroll: true });
  });

  function wake() {
    const card = one("#card");
    clearTimeout(draftTimer);
    clock.start(card.dataset.assignment || "");
    holdFor(Number(card.dataset.secondsLeft) || 0);
    if (!one(".pair")) return;
    showRaw(raw);
    showClearly(clear);
    scrollTogether(together);
  }

  document.addEventListener("submit", onSubmit);
  document.addEventListener("scroll", follow, { capture: true, passive: true });
  for (const kind of ["pointerdown", "pointermove", "keydown", "scroll"]) {
    document.addEventListener(kind, () => { active = performance.now(); }, { capture: true, passive: true });
  }
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-action], [data-show]");
    if (!button) return;
    if (button.dataset.show) showAnswer(button.dataset.show);
    else if (button.dataset.action === "raw") showRaw(!raw);
    else if (button.dataset.action === "together") scrollTogether(!together);
    else if (button.dataset.action === "clear") showClearly(!clear);
    else if (button.dataset.action === "stay") stay();
    else openKeys();
  });
  for (const kind of ["input", "change"]) {
    document.addEventListener(kind, (event) => {
      if (!event.target.closest?.("#judgement")) return;
      clearTimeout(draftTimer);
      draftTimer = setTimeout(saveDraft, DRAFT_AFTER);
    });
  }
  setInterval(beat, BEAT_EVERY);
  setInterval(warn, 1000);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) beat(); });
  window.addEventListener("pagehide", leave);

  wake();
  window.jeoulReady = true;
  const kept = outbox.resume(location.pathname.replace(/^(\/w\/[^/]+\/).*/, "$1"));
  if (kept?.url.includes(one("#card").dataset.assignment)) freeze(true);
})();
