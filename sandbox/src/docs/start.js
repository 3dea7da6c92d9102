// Starts Swagger UI with the settings in the page.
const { spec, methods, client } = JSON.parse(document.getElementById("settings").textContent);
document.body.classList.toggle("reading", methods.length === 0);

const dark = matchMedia("(prefers-color-scheme: dark)");
const followScheme = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", followScheme);
followScheme();

// Swagger UI shows the value of an extension, so the value says what it means.
const retries = {
  always: "the client sends the request again after any passing failure",
  "if-not-processed": "the client sends the request again only if the platform has not processed it",
  "if-not-sent": "the client sends the request again only if no connection was established",
};
for (const operation of Object.values(spec.paths ?? {}).flatMap((path) => Object.values(path ?? {}))) {
  const meaning = retries[operation?.["x-retry"]];
  if (meaning) {
    operation["x-retry"] += `: ${meaning}`;
  }
}

const ui = SwaggerUIBundle({
  spec,
  dom_id: "#swagger-ui",
  deepLinking: true,
  showExtensions: true,
  supportedSubmitMethods: methods,
  // The validator is another server, and the page sends nothing to other servers.
  validatorUrl: null,
});
if (client) {
  ui.initOAuth(client);
}
