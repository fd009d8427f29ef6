import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// During development the API of a running Menjin answers; in the product the API itself serves the built files.
const api = process.env.MENJIN_API ?? "http://127.0.0.1:8090";

export default defineConfig({
  plugins: [react()],
  build: {
    // Guard-booth PCs still on Windows 7 and 8 stop at Chrome 109.
    target: ["chrome109", "firefox115", "safari16"],
    outDir: process.env.MENJIN_CONSOLE_OUT ?? "../console_dist",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1500,
  },
  server: { proxy: { "/api": { target: api, ws: true } } },
  test: { environment: "node", include: ["src/**/*.test.ts"] },
});
