// Conveniences only: every page works without this file.

const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const shown = (element) => { element.hidden = false; return element; };

// The summary of a refused form takes the focus; its links land in a control, not beside it.
document.querySelector("[data-focus]")?.focus();
document.addEventListener("click", (event) => {
  const link = event.target.closest(".error-summary a[href^='#']");
  const target = link && document.getElementById(decodeURIComponent(link.hash.slice(1)));
  if (!target) return;
  event.preventDefault();
  const control = target.matches("input, select, textarea") ? target : target.querySelector("input, select, textarea");
  (control ?? target).focus();
  target.scrollIntoView({ block: "center" });
});

// Countdowns: in words a person reads, never announced second by second.
const MINUTE = 60, HOUR = 3600, DAY = 86400;
function left(seconds) {
  if (seconds <= 0) return "已过时";
  if (seconds >= DAY) return `还剩 ${Math.floor(seconds / DAY)}天`;
  if (seconds >= HOUR) return `还剩 ${Math.floor(seconds / HOUR)}小时${Math.floor((seconds % HOUR) / MINUTE)}分`;
  return `还剩 ${Math.floor(seconds / MINUTE)}:${String(Math.floor(seconds % MINUTE)).padStart(2, "0")}`;
}
const timers = all("[data-deadline]").map((box) => ({
  box, text: box.querySelector("[data-left]"), ring: box.querySelector(".countdown__run"),
  end: Date.parse(box.dataset.deadline), start: Date.parse(box.dataset.since ?? "") || Date.now(),
}));
function tick() {
  for (const { box, text, ring, end, start } of timers) {
    const seconds = Math.max(0, (end - Date.now()) / 1000);
    text.textContent = left(seconds);
    ring?.setAttribute("stroke-dasharray", `${Math.min(100, Math.max(0, (seconds * 100000) / (end - start || 1)))} 100`);
    box.classList.toggle("countdown--soon", seconds < 5 * MINUTE);
  }
}
if (timers.length) { tick(); setInterval(tick, 1000); }

// One POST however often it is pressed; coming back to the page lets it be sent again.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || event.defaultPrevented) return;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "1";
  delete form.dataset.changed;
  (event.submitter ?? form.querySelector("[type=submit]"))?.setAttribute("aria-disabled", "true");
});
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const form of all("form[data-sent]")) delete form.dataset.sent;
  for (const button of all("[type=submit][aria-disabled]")) button.removeAttribute("aria-disabled");
});

// Leaving a form with unsaved input asks first.
document.addEventListener("input", (event) => {
  const form = event.target.form;
  if (form?.hasAttribute("data-guard")) form.dataset.changed = "1";
});
window.addEventListener("beforeunload", (event) => {
  if (document.querySelector("form[data-guard][data-changed]")) { event.preventDefault(); event.returnValue = ""; }
});

for (const button of all("[data-print]")) shown(button).addEventListener("click", () => window.print());
if (navigator.clipboard) for (const button of all("[data-copy]")) shown(button).addEventListener("click", async () => {
  await navigator.clipboard.writeText(button.dataset.copy);
  button.textContent = "已复制";
});
for (const button of all("[data-reveal]")) shown(button).addEventListener("click", () => {
  const input = document.getElementById(button.dataset.reveal);
  const open = input.type === "password";
  input.type = open ? "text" : "password";
  button.setAttribute("aria-pressed", String(open));
  button.querySelector("span").textContent = open ? "隐藏" : "显示";
});

// Single keys on the desk: J and K walk the queue, / searches, the others press what carries them.
// Off while typing, with a modifier, and when switched off (kept on this machine).
const bar = document.querySelector("[data-shortcuts]");
const keep = { get off() { try { return localStorage.getItem("shortcuts") === "off"; } catch { return false; } },
  set off(value) { try { localStorage.setItem("shortcuts", value ? "off" : "on"); } catch { /* private window */ } } };
let off = keep.off;
function walk(step) {
  const links = all("[data-walk] a.q__link");
  const open = links.findIndex((link) => link.getAttribute("aria-current") === "true");
  const held = links.indexOf(document.activeElement);
  const next = links[Math.min(links.length - 1, Math.max(0, (held >= 0 ? held : open) + step))];
  if (open >= 0 && next) next.click(); else next?.focus();
}
document.addEventListener("keydown", (event) => {
  if (!bar || off || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.repeat) return;
  if (event.target.closest("input, select, textarea, [contenteditable]")) return;
  const key = event.key.length === 1 ? event.key.toUpperCase() : event.key;
  if (key === "Enter" && event.target.closest("a, button, summary")) return;
  const pressed = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
  if (key === "J" || key === "K") walk(key === "J" ? 1 : -1);
  else if (key === "/") document.getElementById("q")?.focus();
  else if (pressed) pressed.click();
  else return;
  event.preventDefault();
});
const knob = document.querySelector("[data-shortcuts-switch]");
function paint() { knob.textContent = off ? "打开快捷键" : "关闭快捷键"; document.body.classList.toggle("is-off", off); }
if (knob) {
  shown(knob).addEventListener("click", () => { off = keep.off = !off; paint(); });
  paint();
}

// A part of today that is over cannot be picked while today is; another day frees it again.
for (const box of all("[data-past-slots]")) {
  const past = box.dataset.pastSlots.split(" ");
  const mark = () => {
    const today = document.querySelector("[name$=day]:checked")?.value === box.dataset.pastDay;
    for (const slot of all("input[type=radio]", box)) {
      slot.disabled = today && past.includes(slot.value);
      if (slot.disabled) slot.checked = false;
    }
  };
  document.addEventListener("change", (event) => { if (event.target.name?.endsWith("day")) mark(); });
  mark();
}

// A day of the week is a button that ticks all its parts, or clears them; each part stays a box of its own.
for (const button of all("[data-tick-all]")) shown(button).addEventListener("click", () => {
  const boxes = all("input[type=checkbox]", button.closest("[role=group]"));
  const on = boxes.some((box) => !box.checked);
  for (const box of boxes) if (box.checked !== on) box.click();
});
for (const part of all("[data-without-script]")) part.hidden = true;

// Adding the place to a check-in is the volunteer's choice, one press at a time.
if (navigator.geolocation) for (const button of all("[data-place]")) shown(button).addEventListener("click", () => {
  const text = button.querySelector("span");
  text.textContent = "正在取位置";
  navigator.geolocation.getCurrentPosition(({ coords }) => {
    button.form.querySelector("[data-latitude]").value = coords.latitude.toFixed(5);
    button.form.querySelector("[data-longitude]").value = coords.longitude.toFixed(5);
    text.textContent = "会带上位置";
  }, () => { text.textContent = "没有取到位置，可以直接签到"; }, { timeout: 10000 });
});

// The queue stays fresh: asked for every 15 seconds while the page is seen, taken in only when something has changed.
// What is being typed, picked or focused is left alone; an open order that has moved on says so.
const EVERY = 15000;
let etag = "";
async function refresh() {
  const list = document.querySelector("[data-fresh]");
  if (!list || document.hidden) return;
  let answer;
  try {
    answer = await fetch(list.dataset.fresh, { headers: etag ? { "If-None-Match": etag } : {}, cache: "no-store" });
  } catch { return; }
  if (answer.redirected || !answer.ok) return;
  etag = answer.headers.get("ETag") ?? "";
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const held = document.activeElement?.getAttribute?.("href");
  for (const next of all("[data-part]", fresh)) {
    const old = document.querySelector(`[data-part="${next.dataset.part}"]`);
    if (!old) continue;
    const picked = new Set(all("input:checked", old).map((input) => input.value));
    for (const input of all("input[type=checkbox]", next)) input.checked = picked.has(input.value);
    const stale = document.querySelector("[data-stale]");
    if (stale && next.dataset.version !== old.dataset.version) shown(stale);
    if (old.dataset.version !== undefined) next.dataset.version = old.dataset.version;
    const focused = old.contains(document.activeElement);
    old.replaceWith(next);
    if (focused && held) all("a", next).find((a) => a.getAttribute("href") === held)?.focus({ preventScroll: true });
  }
}
if (document.querySelector("[data-fresh]")) {
  setInterval(refresh, EVERY);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
}

// A menu closes when the focus or a press goes elsewhere, and with Escape.
for (const menu of all("details.nav-more")) {
  document.addEventListener("click", (event) => { if (!menu.contains(event.target)) menu.open = false; });
  menu.addEventListener("focusout", (event) => { if (event.relatedTarget && !menu.contains(event.relatedTarget)) menu.open = false; });
  menu.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { menu.open = false; menu.querySelector("summary").focus(); }
  });
}
