// antd in the console's own colours; the same values stand as CSS variables in style/base.css.

import { theme, type ThemeConfig } from "antd";

const FONTS =
  'system-ui, -apple-system, "Segoe UI", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "Noto Sans SC", sans-serif';

const shared = { fontFamily: FONTS, borderRadius: 8, controlHeight: 36, motionDurationMid: "0.12s" };

export const THEMES: Record<"dark" | "light", ThemeConfig> = {
  dark: {
    algorithm: theme.darkAlgorithm,
    token: { ...shared, colorPrimary: "#3b8eea", colorBgBase: "#10161c", colorTextBase: "#e8eef4" },
  },
  light: {
    algorithm: theme.defaultAlgorithm,
    token: { ...shared, colorPrimary: "#0b5cd6", colorTextBase: "#17212b" },
  },
};
