"use strict";

const place = document.getElementById("api");

SwaggerUIBundle({
  url: place.dataset.document,
  domNode: place,
  deepLinking: true,
  docExpansion: "none",
  // Hundreds of fields a record: schemas are opened where they are used.
  defaultModelsExpandDepth: -1,
  defaultModelExpandDepth: 1,
  filter: true,
  // The default asks a server on the internet whether the document is valid.
  validatorUrl: null,
});
