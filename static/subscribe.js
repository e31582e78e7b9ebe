// Switching notes on for this device: the form is shown only where the browser can show notes.

const form = document.querySelector("form[data-subscribe]");
const told = form?.querySelector("[data-told]");

class Told extends Error {}

function bytes(text) {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/").padEnd(Math.ceil(text.length / 4) * 4, "="));
  return Uint8Array.from(plain, (char) => char.charCodeAt(0));
}

async function subscribe() {
  if (await Notification.requestPermission() !== "granted") {
    throw new Told("浏览器没有允许提醒，请在浏览器设置里允许本站的通知");
  }
  const worker = await navigator.serviceWorker.register(form.dataset.worker);
  const key = bytes(form.dataset.subscribe);
  let found = await worker.pushManager.getSubscription();
  const known = found?.options.applicationServerKey;
  if (known && String(new Uint8Array(known)) !== String(key)) { await found.unsubscribe(); found = null; }
  await ready(worker);
  return found ?? worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
}

function ready(worker) {
  const fresh = worker.installing ?? worker.waiting;
  if (worker.active || !fresh) return Promise.resolve();
  return new Promise((done) => fresh.addEventListener("statechange", () => fresh.state === "activated" && done()));
}

if (form && "serviceWorker" in navigator && "PushManager" in window && "Notification" in window) {
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    told.textContent = "正在打开";
    try {
      const { endpoint, keys } = (await subscribe()).toJSON();
      form.elements.endpoint.value = endpoint;
      form.elements.p256dh.value = keys.p256dh;
      form.elements.auth.value = keys.auth;
      form.submit();
    } catch (error) {
      told.textContent = error instanceof Told ? error.message : "没有打开：这个浏览器收不到推送，请换一个再试";
      delete form.dataset.sent;
      form.querySelector("[type=submit]").removeAttribute("aria-disabled");
    }
  });
}
