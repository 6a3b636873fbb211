// The console's script: new candidates, sound, keyboard. The server renders what is shown.
"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const queue = byId("queue"), main = byId("candidate"), link = byId("link"), sound = byId("sound");
  let audio = null, arrived = false, begun = false, asked = false;

  // --- the lock: a key, a click, a wheel or a touch keeps the console open; what loads itself does not

  const idleMs = 1000 * Number(document.body.dataset.idleS), TELL_MS = 5000;
  let told = -Infinity, acted = false;
  const tell = () => {
    acted = false;
    told = performance.now();
    fetch("/awake", { method: "POST" }).then((answer) => answer.status === 423 && location.reload(), () => {});
  };
  const act = (event) => {
    if (!event.isTrusted) return;
    acted = true;
    if (performance.now() - told >= TELL_MS) tell();
  };
  ["keydown", "pointerdown", "wheel", "touchmove"].forEach((kind) =>
    addEventListener(kind, act, { capture: true, passive: true }));
  setInterval(() => acted && tell(), TELL_MS);
  addEventListener("pageshow", (event) => event.persisted && location.reload());

  // --- new candidates

  const stream = new EventSource("/stream");
  const state = (up, words) => {
    link.textContent = words || (up ? "connected" : "not connected: start the console again");
    link.className = "link " + (up ? "up" : "down");
  };
  let forget = 0;
  stream.onopen = () => { state(true); clearTimeout(forget); forget = 0; };
  stream.onerror = () => {
    state(false);
    // A console that does not answer cannot say that it is locked: the page forgets by itself.
    forget = forget || setTimeout(() => {
      queue.replaceChildren();
      main.replaceChildren(notice("Locked", "The console does not answer, so this page has closed itself."));
    }, idleMs);
  };
  stream.addEventListener("locked", () => location.reload());
  const trouble = (words) => {
    state(!words, words ? "out of date" : "");
    byId("trouble").textContent = words;
    byId("trouble").hidden = !words;
  };
  stream.addEventListener("trouble", (event) => {
    trouble(event.data);
    if (!event.data) htmx.trigger(queue, "changed");  // What could not be loaded meanwhile.
  });
  document.body.addEventListener("htmx:responseError", (event) => {
    if (event.detail.xhr.status === 503) trouble(event.detail.xhr.responseText);
  });
  stream.addEventListener("change", () => htmx.trigger(queue, "changed"));
  stream.addEventListener("arrival", () => { arrived = true; htmx.trigger(queue, "changed"); });

  const shown = () => main.querySelector("article")?.dataset.event;
  const items = () => [...queue.querySelectorAll("a[data-event]")];
  const waiting = () => items().filter((item) => item.classList.contains("waits"));
  // The reviewer is typing or about to press: a refresh would take away what is under the hand.
  const busy = (place) => place.querySelector(":is(input, button, summary):focus") !== null;

  document.body.addEventListener("htmx:afterSettle", (event) => {
    if (event.target === queue) {
      const count = waiting().length;
      document.title = (count ? `(${count}) ` : "") + "Review - Tallylight";
      if (arrived) {
        arrived = false;
        chime();
        const last = waiting().at(-1);
        say(last ? "New candidate: " + last.querySelector("strong").textContent : "");
      }
      const here = items().find((item) => item.dataset.event === shown());
      if (begun && here && !main.querySelector(".verdict") && !busy(main)) {
        htmx.ajax("GET", "/candidate/" + shown(), "#candidate");  // Its outcome may have come.
      } else if (begun && here && byId("hold") && !busy(byId("hold"))) {
        htmx.trigger("#hold", "renew");  // What is chosen in the form above stays.
      } else if (!shown() && waiting().length && !asked) {
        asked = true;  // Once: a second answer would reset the choice made in the first.
        // No click: htmx may not have processed the new queue yet.
        htmx.ajax("GET", "/candidate/" + waiting()[0].dataset.event, "#candidate");
      } else if (shown() && !here) {
        main.replaceChildren(notice("This event was destroyed",
          "Events are destroyed when they are not confirmed, or when their time has ended."));
        say("This event was destroyed");
      }
      begun = true;
    } else {
      asked = false;
      main.querySelector(".banner")?.focus();
      // What was chosen is signed, or another candidate is shown.
      if (byId("said").textContent.endsWith(ENTER) && !main.querySelector(".verdict :checked")) say("");
      if (event.target.id === "hold") say(main.querySelector(".told, .hold .banner")?.textContent || "");
    }
    mark();
  });

  document.body.addEventListener("htmx:beforeSwap", (event) => {
    // The refresh of a decided candidate was asked for before the reviewer came back to its page:
    // it would close the form that the reviewer has just opened.
    const detail = event.detail, refresh = detail.pathInfo.requestPath === "/candidate/" + shown();
    if (detail.target === main && refresh && !main.querySelector(".verdict") && busy(main)) detail.shouldSwap = false;
    const renewal = detail.requestConfig.verb === "get" && detail.target.id === "hold";
    if (renewal && (busy(detail.target) || same(detail))) detail.shouldSwap = false;
  });

  // A renewal that brings nothing new would take away what was just said: "Two people have signed".
  const same = (detail) => new DOMParser().parseFromString(detail.serverResponse, "text/html")
    .getElementById("hold")?.dataset.state === detail.target.dataset.state;

  const notice = (title, words) => {
    const section = document.createElement("section");
    section.className = "notice";
    const heading = document.createElement("h1");
    heading.textContent = title;
    section.append(heading, words);
    return section;
  };

  const mark = () => items().forEach((item) =>
    item.setAttribute("aria-current", String(item.dataset.event === shown())));
  const ENTER = " is chosen. Enter signs it.";
  const say = (words) => { byId("said").textContent = words; };

  // --- sound

  const chime = () => {
    if (!audio) return;
    [880, 1174.7].forEach((pitch, place) => {
      const tone = audio.createOscillator(), volume = audio.createGain();
      const at = audio.currentTime + place * 0.18;
      tone.frequency.value = pitch;
      volume.gain.setValueAtTime(0.0001, at);
      volume.gain.exponentialRampToValueAtTime(0.25, at + 0.02);
      volume.gain.exponentialRampToValueAtTime(0.0001, at + 0.5);
      tone.connect(volume).connect(audio.destination);
      tone.start(at);
      tone.stop(at + 0.55);
    });
    document.body.dataset.chimes = String(Number(document.body.dataset.chimes || 0) + 1);
  };
  sound.addEventListener("click", () => {
    if (audio) { audio.close(); audio = null; } else { audio = new AudioContext(); chime(); }
    sound.setAttribute("aria-pressed", String(audio !== null));
    sound.textContent = audio ? "Sound on" : "Sound";
  });

  // --- verdicts

  document.body.addEventListener("change", (event) => {
    const form = event.target.closest(".verdict");
    if (form) form.querySelector(".sign").disabled = !form.querySelector(":checked");
  });
  const choose = (judgement) => {
    const choice = main.querySelector(`.verdict input[value="${judgement}"]`);
    if (!choice) return;
    choice.checked = true;
    choice.focus();
    choice.dispatchEvent(new Event("change", { bubbles: true }));
    say(choice.parentElement.querySelector("span").textContent + ENTER);
  };
  const takeBack = () => {
    const form = main.querySelector(".verdict");
    if (!form) return;
    form.reset();
    form.querySelector(".sign").disabled = true;
    say("Nothing is chosen.");
  };
  const step = (by) => {
    const all = items(), at = all.findIndex((item) => item.dataset.event === shown());
    const next = all[Math.min(Math.max(at + by, 0), all.length - 1)];
    if (next) htmx.ajax("GET", "/candidate/" + next.dataset.event, "#candidate");
  };

  const keys = {
    m: () => choose("match"), n: () => choose("not_a_match"), c: () => choose("cannot_tell"),
    j: () => step(1), k: () => step(-1), s: () => sound.click(), l: () => byId("lock").click(),
    "?": () => byId("help").showModal(), Escape: takeBack,
  };
  document.addEventListener("keydown", (event) => {
    const typing = event.target.matches("input:not([type=radio]), textarea, select");
    if (typing || event.ctrlKey || event.metaKey || event.altKey || byId("help").open) return;
    if (event.key === "Enter" && event.target.matches(".verdict input")) {
      event.preventDefault();
      main.querySelector(".verdict").requestSubmit();
      return;
    }
    const press = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (press) { event.preventDefault(); press(); }
  });
  document.body.addEventListener("submit", (event) => {
    if (event.defaultPrevented || !event.target.matches("form[hx-post]")) return;
    // A new form that htmx has not processed yet. Without this, the browser would load a page with
    // the fields in its address, and what was signed would be lost.
    event.preventDefault();
    htmx.process(event.target);
    htmx.trigger(event.target, "submit");
  });
  byId("help-open").addEventListener("click", () => byId("help").showModal());
})();
