// Another machine says the token of the settings.

import { ask } from "./http.js";

document.getElementById("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    await ask("/token", { method: "POST", body: document.getElementById("token").value });
    location.assign("/");
  } catch (error) {
    document.getElementById("notice").textContent = error.message;
  }
});
