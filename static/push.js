// The service worker of web push: shows a note, and leads to what it tells of. It keeps nothing and sees no page.

self.addEventListener("push", (event) => {
  let note = {};
  try { note = event.data?.json() ?? {}; } catch { /* a note that cannot be read still says that there is one */ }
  event.waitUntil(self.registration.showNotification(note.title || "邻聚", {
    body: note.body || "有一条新消息",
    tag: note.tag,
    data: { link: note.link },
    lang: "zh-CN",
  }));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const link = event.notification.data?.link;
  const path = typeof link === "string" && /^\/(?![/\\])/.test(link) ? link : "/inbox";
  event.waitUntil(self.clients.openWindow(new URL(path, self.location.origin).href));
});
