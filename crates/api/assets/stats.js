// Statistics pages: names of countries and of the time zone of the browser, and live updates.
"use strict";
(() => {
  const root = document.documentElement;

  // Country names and the time zone, which only the browser knows.
  const names = (() => {
    try {
      return new Intl.DisplayNames(root.lang, { type: "region" });
    } catch {
      return null;
    }
  })();
  const tell = (part) => {
    for (const country of part.querySelectorAll("[data-country]")) {
      try {
        const name = names?.of(country.dataset.country);
        if (name) country.textContent = name;
      } catch {
        // Not a country code: the text stays unchanged.
      }
    }
    for (const zone of part.querySelectorAll("[data-zone]")) {
      zone.textContent = Intl.DateTimeFormat().resolvedOptions().timeZone || "your browser";
    }
  };
  tell(document);
  document.addEventListener("htmx:load", (event) => tell(event.detail.elt));

  const live = document.getElementById("live");
  if (!live || !window.EventSource || !window.htmx) return;

  // Keeps opened details open when their part of the page is replaced.
  let opened = [];
  document.addEventListener("htmx:beforeSwap", (event) => {
    opened = Array.from(event.detail.target.querySelectorAll("details[open][id]"), (it) => it.id);
  });
  document.addEventListener("htmx:afterSwap", () => {
    for (const id of opened) {
      const details = document.getElementById(id);
      if (details) details.open = true;
    }
  });

  // A part of the page that is fetched again after new clicks, at most once every `pause`
  // milliseconds.
  class Part {
    constructor(id, pause, done) {
      Object.assign(this, { id, pause, done, last: 0, timer: 0, busy: false, wanted: false });
    }

    want() {
      this.wanted = true;
      if (this.busy || this.timer) return;
      const wait = Math.max(0, this.last + this.pause - Date.now());
      this.timer = setTimeout(() => this.fetch(), wait);
    }

    async fetch() {
      Object.assign(this, { timer: 0, busy: true, wanted: false, last: Date.now() });
      const part = document.getElementById(this.id);
      try {
        await window.htmx.ajax("GET", location.pathname + location.search, {
          source: part, target: part, swap: "innerHTML",
        });
        this.done?.();
      } catch {
        // The next event fetches again.
      }
      this.busy = false;
      if (this.wanted) this.want();
    }
  }

  // Screen readers announce the new total, at most once every `QUIET` milliseconds.
  const QUIET = 5000;
  const status = document.getElementById("live-said");
  const numbers = () => live.querySelector("[data-total]");
  const total = () => Number(numbers()?.dataset.total);
  let told = total();
  let telling = 0;
  const announce = () => {
    if (telling || total() === told) return;
    told = total();
    status.textContent = numbers().dataset.said;
    telling = setTimeout(() => {
      telling = 0;
      announce();
    }, QUIET);
  };
  const parts = [new Part("live", 1000, announce), new Part("breakdowns", 10000)];

  // A stream ends after a few minutes and reconnects by itself. After an error this script
  // reconnects, after at most `MOST_WAIT` seconds.
  const MOST_WAIT = 60;
  let stream = null;
  let failed = 0;
  let retry = 0;
  const toggle = document.getElementById("live-switch");
  const isOn = () => toggle.getAttribute("aria-pressed") === "true" && !document.hidden;
  const listen = () => {
    clearTimeout(retry);
    if (stream || !isOn()) return;
    stream = new EventSource(live.dataset.events);
    stream.addEventListener("clicks", (event) => {
      failed = 0;
      if (JSON.parse(event.data).total !== total()) parts.forEach((part) => part.want());
    });
    // The rights have ended: there is nothing to reconnect to.
    stream.addEventListener("end", (event) => {
      stop();
      toggle.setAttribute("aria-pressed", "false");
      status.textContent = JSON.parse(event.data).message;
    });
    stream.addEventListener("error", () => {
      if (stream?.readyState !== EventSource.CLOSED) return;
      stop();
      failed += 1;
      retry = setTimeout(listen, 1000 * Math.min(MOST_WAIT, 2 ** failed));
    });
  };
  const stop = () => {
    clearTimeout(retry);
    stream?.close();
    stream = null;
  };
  const follow = () => (isOn() ? listen() : stop());
  document.addEventListener("visibilitychange", follow);
  window.addEventListener("pagehide", stop);
  window.addEventListener("pageshow", follow);
  toggle.addEventListener("click", () => {
    toggle.setAttribute("aria-pressed", String(toggle.getAttribute("aria-pressed") !== "true"));
    follow();
  });
  listen();
})();
