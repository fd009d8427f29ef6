// Language and theme: one press each, no reload.

import { MoonOutlined, SunOutlined, TranslationOutlined } from "@ant-design/icons";
import { Button } from "antd";
import { useTranslation } from "react-i18next";

import { prefer, usePreferences } from "./preferences";

export function Switches() {
  const { t } = useTranslation();
  const { language, theme } = usePreferences();
  const chinese = language === "zh-CN";
  const dark = theme === "dark";
  const themeWord = dark ? t("bar.toLight") : t("bar.toDark");
  const languageWord = chinese ? t("bar.toEnglish") : t("bar.toChinese");
  return (
    <>
      <Button
        type="text"
        icon={<TranslationOutlined aria-hidden />}
        aria-label={languageWord}
        title={languageWord}
        lang={chinese ? "en" : "zh-CN"}
        onClick={() => prefer({ language: chinese ? "en-US" : "zh-CN" })}
      >
        {chinese ? "English" : "中文"}
      </Button>
      <Button
        type="text"
        icon={dark ? <SunOutlined aria-hidden /> : <MoonOutlined aria-hidden />}
        aria-label={themeWord}
        title={themeWord}
        onClick={() => prefer({ theme: dark ? "light" : "dark" })}
      />
    </>
  );
}
