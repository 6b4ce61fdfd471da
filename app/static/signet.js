// Enhancements only: every page works without this file.
"use strict";

// Links of a project's default mail templates answer behind "#", where no server can read. Go to the page that
// explains it, and take what may be a token out of the address at once.
const fragment = new URLSearchParams(location.hash.slice(1));
const purpose = new URLSearchParams(location.search).get("for") || fragment.get("type") || "";
if (fragment.has("error_code") || fragment.has("error")) {
  location.replace("/auth/confirm?error_code=link&for=" + encodeURIComponent(purpose));
} else if (fragment.has("access_token") || fragment.has("message")) {
  location.replace("/auth/confirm?fragment=link&for=" + encodeURIComponent(purpose));
}

for (const button of document.querySelectorAll("button.reveal")) {
  const field = document.getElementById(button.getAttribute("aria-controls"));
  const show = (visible) => {
    field.type = visible ? "text" : "password";
    button.textContent = visible ? "Hide" : "Show";
    button.setAttribute("aria-label", visible ? "Hide password" : "Show password");
  };
  button.hidden = false;
  button.addEventListener("click", () => show(field.type === "password"));
  // A password must not be stored by the browser as an ordinary text.
  field.form.addEventListener("submit", () => show(false));
}

// A form is sent once, however often its button is pressed. One that comes back from the history can be sent again.
for (const form of document.forms) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
}
addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
});
