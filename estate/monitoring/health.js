// Refreshes the health view every half minute, and says so when it can no longer do it.
"use strict";
(() => {
  const EVERY_MS = 30000;
  const main = document.querySelector("main"), trouble = document.getElementById("trouble");
  const refresh = async () => {
    try {
      const answer = await fetch("/", { cache: "no-store" });
      if (!answer.ok) throw new Error(answer.status);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      main.replaceChildren(...page.querySelector("main").childNodes);
      trouble.textContent = "";
    } catch {
      trouble.textContent = "No longer refreshed: start tallylight-estate serve again.";
    }
  };
  setInterval(refresh, EVERY_MS);
})();
