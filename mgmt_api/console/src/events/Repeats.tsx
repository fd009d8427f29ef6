import { useTranslation } from "react-i18next";

/** How often an event came: ×3. */
export function Repeats({ count }: { count: number }) {
  const { t } = useTranslation();
  if (count < 2) return null;
  return (
    <span className="badge" aria-label={t("feed.repeats", { count })}>
      ×{count}
    </span>
  );
}
