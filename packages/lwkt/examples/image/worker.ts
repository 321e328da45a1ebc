import { serve } from "@anax/lwkt/host";
import { Images } from "./messages.js";

serve(Images, {
  blur: ({ width, image }) => {
    const pixels = image.bytes;
    const before = pixels.slice();
    for (let i = width; i < pixels.length - width; i++)
      pixels[i] = (before[i - width]! + before[i - 1]! + before[i]! * 4 + before[i + 1]! + before[i + width]!) >> 3;
    return { image };
  },
});
