// The light build has no types of its own; it is the whole one without subtitles, DRM and alternate audio.
declare module "hls.js/light" {
  export { default } from "hls.js";
}
