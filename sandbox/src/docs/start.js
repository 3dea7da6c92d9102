// Starts Swagger UI on what the page has brought along.
const { spec, methods, client } = JSON.parse(document.getElementById("settings").textContent);
document.body.classList.toggle("reading", methods.length === 0);
const ui = SwaggerUIBundle({
  spec,
  dom_id: "#swagger-ui",
  deepLinking: true,
  showExtensions: true,
  supportedSubmitMethods: methods,
  // It would be another server.
  validatorUrl: null,
});
if (client) {
  ui.initOAuth(client);
}
