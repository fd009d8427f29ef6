// Special days that schedules heed and whose year nobody wrote yet: doors would keep the plain week on holidays.

import { useTranslation } from "react-i18next";

import { useSite } from "./site";

export function MissingDays() {
  const { t } = useTranslation();
  return useSite().missing_special_days.map(({ id, year }) => (
    <div key={`${id} ${year}`} role="status" className="missing-days">
      {t("calendar.missing", { id, year })}
    </div>
  ));
}
