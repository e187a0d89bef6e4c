// Starts Swagger UI on the schema that the page names.
document.addEventListener("DOMContentLoaded", () => {
  const place = document.getElementById("docs");
  window.SwaggerUIBundle({ url: place.dataset.schema, dom_id: "#docs", deepLinking: true });
});
