// What cameras saw where it should not be, and cameras that no longer see: above all until somebody takes note.

import { PictureOutlined, VideoCameraOutlined } from "@ant-design/icons";
import { Button, Modal } from "antd";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";

import { alarmStill } from "../api/calls";
import type { CameraAlarm } from "../api/types";
import { beepWhile } from "../events/sound";
import { open } from "../frame/pages";
import { useSite } from "../frame/site";
import { useFeed } from "../live/store";
import { inLanguage, named } from "../text/i18n";
import { timeOfDay } from "../text/time";
import { Acknowledge } from "./Acknowledge";

const MOST = 3;

interface Props {
  sound: boolean;
  mayAck: boolean;
}

export function CameraAlarmStrip({ sound, mayAck }: Props) {
  const { t, i18n } = useTranslation();
  const { timezone } = useSite();
  const alarms = useFeed((feed) => feed.cameraAlarms);
  const cameras = useFeed((feed) => feed.cameras);
  const [shown, setShown] = useState<CameraAlarm | null>(null);
  const loud = sound && alarms.some(({ passage }) => passage === "tailgating");
  useEffect(() => (loud ? beepWhile() : undefined), [loud]);
  const placeOf = ({ camera }: CameraAlarm) =>
    inLanguage(cameras.find(({ name }) => name === camera)?.label, i18n.language, camera);

  return (
    <div className="alarms" role="alert" aria-label={t("seeing.strip")}>
      {alarms.slice(0, MOST).map((alarm) => (
        <div key={alarm.id} className={`alarm camera-alarm${alarm.to === null ? " active" : ""}`}>
          <VideoCameraOutlined aria-hidden />
          <strong>{alarmWords(t, alarm)}</strong>
          <span className="alarm-where">{placeOf(alarm)}</span>
          <span className="alarm-why">
            <time dateTime={alarm.from}>{timeOfDay(alarm.from, timezone)}</time> {alarm.zone}
          </span>
          <span className="alarm-acts">
            {alarm.still && (
              <Button size="small" icon={<PictureOutlined aria-hidden />} onClick={() => setShown(alarm)}>
                {t("seeing.picture")}
              </Button>
            )}
            {mayAck && <Acknowledge alarm={alarm.id} />}
          </span>
        </div>
      ))}
      {alarms.length > MOST && (
        <button type="button" className="alarm more" onClick={() => open("camera-alarms")}>
          +{alarms.length - MOST}
        </button>
      )}
      <Modal
        open={shown !== null}
        footer={null}
        width={700}
        title={shown && `${alarmWords(t, shown)} · ${placeOf(shown)}`}
        onCancel={() => setShown(null)}
      >
        {shown && <img className="alarm-still" src={alarmStill(shown.id)} alt={alarmWords(t, shown)} />}
      </Modal>
    </div>
  );
}

/** "Tail-gating?" where nobody passed the zone's door, else what the camera saw. */
export function alarmWords(t: ReturnType<typeof useTranslation>["t"], { kind, passage }: CameraAlarm): string {
  return passage === "tailgating" ? t("seeing.tailgating") : named(t, "cameraAlarm", kind);
}
