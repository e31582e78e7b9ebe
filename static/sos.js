// Emergency calls: the countdown, the pages that follow a call, the strip. Without this file every page works by links and buttons.

const says = (box, text) => { if (box) box.textContent = text; };

// The countdown sends by itself, once, and only on a page that was opened on purpose and is looked at: not on one come
// back to or loaded anew. Leaving the page stops it. Announced every five seconds, not every second.
const form = document.querySelector("form[data-countdown]");
const opened = performance.getEntriesByType("navigation")[0]?.type ?? "navigate";
if (form && opened === "navigate") {
  const seconds = Number(form.dataset.countdown), ring = form.querySelector("[data-ring]");
  const run = form.querySelector("[data-run]"), num = form.querySelector("[data-num]");
  const title = form.querySelector("[data-title]"), voice = form.querySelector("[data-says]");
  const button = form.querySelector("button[type=submit]");
  let spent = 0, last = performance.now(), told = null;
  ring.hidden = false;
  button.lastChild.textContent = "现在就求助";
  const timer = setInterval(() => {
    const now = performance.now();
    if (!document.hidden) spent += now - last;
    last = now;
    const left = Math.max(0, Math.ceil(seconds - spent / 1000));
    num.textContent = String(left);
    title.textContent = left ? `${left}秒后自动求助` : "正在发出求助";
    run.setAttribute("stroke-dasharray", `${Math.max(0, 100 - spent / seconds / 10)} 100`);
    if (left % 5 === 0 && left !== told) { told = left; says(voice, left ? `${left}秒后自动求助，可以取消` : "正在发出求助"); }
    if (!left) { clearInterval(timer); form.requestSubmit(); }
  }, 250);
  form.addEventListener("submit", () => clearInterval(timer));
  form.querySelector("[data-cancel]").addEventListener("click", () => clearInterval(timer));
  window.addEventListener("pagehide", () => clearInterval(timer));
}

// The place goes along only when it was asked for, by one press.
if (navigator.geolocation) for (const button of document.querySelectorAll("[data-locate]")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    button.lastChild.textContent = "正在取位置";
    navigator.geolocation.getCurrentPosition(({ coords }) => {
      button.form.querySelector("[data-latitude]").value = coords.latitude.toFixed(5);
      button.form.querySelector("[data-longitude]").value = coords.longitude.toFixed(5);
      button.lastChild.textContent = "会带上位置";
    }, () => { button.lastChild.textContent = "没有取到位置，可以直接求助"; }, { timeout: 8000 });
  });
}

// Ask for a part of the page again and again; unchanged it costs an answer without a body. Slower when the network fails.
function follow(box, address, pause, change) {
  let mark = box.dataset.etag, wait = pause;
  async function ask() {
    if (document.hidden) return setTimeout(ask, 1000);
    try {
      const answer = await fetch(address, { headers: { "If-None-Match": `W/"${mark}"` }, cache: "no-store", redirect: "error" });
      wait = pause;
      if (answer.status === 200) {
        mark = (answer.headers.get("ETag") ?? "").replace(/^W\//, "").replaceAll('"', "");
        if (change(await answer.text()) === false) return;
      } else if (answer.status !== 304) return;
    } catch { wait = Math.min(60, wait * 2); }
    setTimeout(ask, wait * 1000);
  }
  setTimeout(ask, pause * 1000);
}

// Whoever is typing is not interrupted: then only the followed part changes.
const typing = () => [...document.querySelectorAll("main input:not([type=hidden]), main textarea")]
  .some((field) => field.value !== field.defaultValue && !["radio", "checkbox"].includes(field.type));

const live = document.querySelector("[data-live]");
if (live) follow(live, live.dataset.live, Number(live.dataset.pause), (html) => {
  const before = live.firstElementChild.dataset.state;
  const kept = live.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  live.innerHTML = html;
  const now = live.firstElementChild.dataset;
  says(document.querySelector("[data-live-says]"), now.says);
  says(document.querySelector("[data-live-text]"), now.says);
  if (kept) live.querySelector(`[href="${CSS.escape(kept)}"]`)?.focus();
  if (now.state !== before && !typing()) { location.assign(live.dataset.live.replace(/\/news$/, "")); return false; }
  return true;
});

const strip = document.querySelector("[data-strip]");
if (strip) follow(strip, strip.dataset.strip, 30, (html) => {
  strip.innerHTML = html;
  strip.hidden = !strip.querySelector("a");
});
