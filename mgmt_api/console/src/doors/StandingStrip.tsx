// Fires and lockdowns that stand: above all else, with what ends them. Who ends one says why.

import { FireFilled, StopFilled } from "@ant-design/icons";
import { Button, Input } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { useSite } from "../frame/site";
import { useFeed } from "../live/store";
import { inLanguage } from "../text/i18n";
import { zoneText } from "../text/zone";
import { GivenOrder } from "./GivenOrder";
import { useOrder } from "./order";
import { orderedPlace, standingOf, type Standing } from "./standing";

function Ending({ standing, onClose }: { standing: Standing; onClose: () => void }) {
  const { t } = useTranslation();
  const { given, give } = useOrder();
  const [reason, setReason] = useState("");
  const why = reason.trim();
  const fire = standing.kind === "fire";
  return (
    <form
      className="standing-end"
      onSubmit={(event) => {
        event.preventDefault();
        if (!why) return;
        if (fire) give({ action: "fire_reset", zone: standing.place, reason: why });
        else give({ action: "lockdown_release", ...orderedPlace(standing.place), reason: why });
      }}
    >
      <Input
        autoFocus
        value={reason}
        maxLength={200}
        placeholder={t("mode.why")}
        aria-label={t("mode.why")}
        onChange={(event) => setReason(event.target.value)}
      />
      <Button type="primary" htmlType="submit" disabled={!why || given?.phase === "waiting"}>
        {t(fire ? "standing.reset" : "standing.release")}
      </Button>
      <Button onClick={onClose}>{t("mode.close")}</Button>
      <GivenOrder given={given} />
    </form>
  );
}

export function StandingStrip({ mayOrder }: { mayOrder: boolean }) {
  const { t, i18n } = useTranslation();
  const { zones } = useSite();
  const doors = useFeed((feed) => feed.doors);
  const [ending, setEnding] = useState<string | null>(null);
  const standing = standingOf(doors);
  if (standing.length === 0) return null;
  const name = (place: string) => {
    const { zone = "", door } = orderedPlace(place);
    if (door === undefined) return zoneText(t, zones, i18n.language, zone);
    return inLanguage(doors.find((each) => each.name === door)?.label, i18n.language, door);
  };
  return (
    <div className="standing" role="alert" aria-label={t("standing.title")}>
      {standing.map((each) => {
        const fire = each.kind === "fire";
        const key = `${each.kind} ${each.place}`;
        return (
          <div key={key} className={`alarm standing-${each.kind}`}>
            {fire ? <FireFilled aria-hidden /> : <StopFilled aria-hidden />}
            <strong>{t(`standing.${each.kind}`)}</strong>
            <span className="alarm-where">{fire ? each.place : name(each.place)}</span>
            <span className="alarm-why">
              {t("standing.doors", { count: each.doors })}{" "}
              {fire && t(each.whole ? "standing.whole" : "standing.burning")}
            </span>
            {ending === key ? (
              <Ending standing={each} onClose={() => setEnding(null)} />
            ) : (
              mayOrder && (
                <Button size="small" disabled={fire && !each.whole} onClick={() => setEnding(key)}>
                  {t(fire ? "standing.reset" : "standing.release")}
                </Button>
              )
            )}
          </div>
        );
      })}
    </div>
  );
}
