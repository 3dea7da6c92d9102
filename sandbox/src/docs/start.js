// Starts Swagger UI with the settings in the page.
const { spec, methods, client } = JSON.parse(document.getElementById("settings").textContent);
document.body.classList.toggle("reading", methods.length === 0);
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
