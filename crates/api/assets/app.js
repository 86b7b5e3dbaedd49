// Improves the pages. Every page also works without JavaScript.
"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("js");

  // Shows a message for 6 seconds. Screen readers announce it.
  const say = (text) => {
    const status = document.getElementById("status");
    if (!status) return;
    status.textContent = text;
    clearTimeout(say.timer);
    say.timer = setTimeout(() => { status.textContent = ""; }, 6000);
  };

  // The clipboard API requires a secure context; otherwise the browser copies the selected text.
  const copy = async (text) => {
    if (navigator.clipboard) return navigator.clipboard.writeText(text);
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "visually-hidden";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    if (!done) throw new Error("refused");
  };

  // Shows times in the time zone of the browser, as the server writes them: 1 Mar 2026, 12:00.
  const localise = (part) => {
    for (const time of part.querySelectorAll("time[data-local]")) {
      const date = new Date(time.dateTime);
      if (Number.isNaN(date.getTime())) continue;
      const style = time.dataset.local === "date"
        ? { dateStyle: "medium" }
        : { dateStyle: "medium", timeStyle: "short" };
      time.title = time.textContent;
      time.textContent = new Intl.DateTimeFormat("en-GB", style).format(date);
    }
  };

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
    if (!button) return;
    try {
      await copy(button.dataset.copy);
      button.classList.add("done");
      setTimeout(() => button.classList.remove("done"), 2000);
      say("Copied: " + button.dataset.copy);
    } catch {
      say("The browser blocked copying. Select the text and copy it yourself.");
    }
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      for (const menu of document.querySelectorAll("details.menu[open]")) {
        menu.open = false;
        menu.querySelector("summary").focus();
      }
    }
    const typing = event.target.closest?.("input, textarea, select, [contenteditable]");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      const search = document.querySelector("input[type=search]");
      if (search) {
        event.preventDefault();
        search.focus();
      }
    }
  });

  // A URL that is pasted anywhere on the home page goes into the field that shortens it.
  document.addEventListener("paste", (event) => {
    const box = document.querySelector(".shorten input[name=target]");
    const text = event.clipboardData.getData("text").trim();
    if (!box || event.target.closest?.("input, textarea") || !/^https?:\/\//i.test(text)) return;
    event.preventDefault();
    box.value = text;
    box.focus();
  });

  // The server answers a failed request for a part of a page with a sentence.
  document.addEventListener("htmx:responseError", (event) => say(event.detail.xhr.responseText));
  document.addEventListener("htmx:sendError", () => say("The server is unavailable. Try again in a moment."));
  document.addEventListener("htmx:load", (event) => localise(event.detail.elt));
  document.addEventListener("DOMContentLoaded", () => localise(document));
})();
