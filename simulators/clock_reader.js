// The burnt-in machine clock of simulators/rtsp_camera.py, read from a playing <video>.
// Answers {video_ms, page_ms} in Unix milliseconds, or {error}.
(video) => {
  const BLOCKS = 40, BITS = 37, LINES = 32, WIDTH = 640, HEIGHT = 360;
  if (!video || video.readyState < 2) return { error: "no picture yet" };
  const canvas = document.createElement("canvas");
  canvas.width = WIDTH;
  canvas.height = HEIGHT;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(video, 0, 0, WIDTH, HEIGHT);
  const page = Date.now();
  const size = WIDTH / BLOCKS;
  const luma = (block) => {
    const { data } = context.getImageData(block * size + 4, HEIGHT - LINES + 8, 8, 16);
    let sum = 0;
    for (let at = 0; at < data.length; at += 4) sum += data[at + 1];
    return sum / (data.length / 4);
  };
  const white = luma(0), black = luma(1);
  if (white - black < 60) return { error: `no clock in the picture (${white.toFixed(0)}/${black.toFixed(0)})` };
  const bits = Array.from({ length: BITS + 1 }, (_, n) => (luma(n + 2) > (white + black) / 2 ? 1 : 0));
  if (bits.reduce((sum, bit) => sum + bit, 0) % 2) return { error: "the clock's parity is wrong" };
  const value = bits.slice(0, BITS).reduce((sum, bit) => sum * 2 + bit, 0);
  const whole = 2 ** BITS;
  const video_ms = value + Math.round((page - value) / whole) * whole;
  return { video_ms, page_ms: page };
}
