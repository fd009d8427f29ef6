import { useTranslation } from "react-i18next";

import { open, pagesOf, type PageName } from "./pages";

/** The way to the other pages; nothing where there is only one. */
export function Nav({ role, page }: { role: string; page: PageName }) {
  const { t } = useTranslation();
  const pages = pagesOf(role);
  if (pages.length < 2) return null;
  return (
    <nav className="nav" aria-label={t("page.choose")}>
      {pages.map(({ name }) => (
        <button key={name} type="button" aria-current={name === page ? "page" : undefined} onClick={() => open(name)}>
          {t(`page.${name}`)}
        </button>
      ))}
    </nav>
  );
}
