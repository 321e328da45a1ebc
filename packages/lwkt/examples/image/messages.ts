import { defineMessage, definePort } from "@anax/lwkt/host";

/** Blurs an image of one byte a pixel in place; the block comes back with the reply. */
export const Blur = defineMessage({
  number: 256,
  name: "blur",
  request: { width: "u32", image: "shared" },
  reply: { image: "shared" },
});
export const Images = definePort("images", { blur: Blur });
