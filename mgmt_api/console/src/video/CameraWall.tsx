// The middle of the page: as many live pictures as fit, one door's, or one large.

import { LeftOutlined, RightOutlined } from "@ant-design/icons";
import { Button, Segmented } from "antd";
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import type { Camera } from "../api/types";
import { useFeed } from "../live/store";
import { inLanguage } from "../text/i18n";
import { useColumns } from "./columns";
import { LiveTile } from "./LiveTile";

interface Props {
  door: string | null;
  camera: string | null;
  onCamera: (camera: string | null) => void;
  onWall: () => void;
}

const LAYOUTS = [1, 4, 9] as const;
type Layout = (typeof LAYOUTS)[number];

export function CameraWall({ door, camera, onCamera, onWall }: Props) {
  const { t, i18n } = useTranslation();
  const cameras = useFeed((feed) => feed.cameras);
  const doors = useFeed((feed) => feed.doors);
  const [layout, setLayout] = useState<Layout>(4);
  const [page, setPage] = useState(0);

  const known = doors.find(({ name }) => name === door);
  const ofDoor = (one: Camera) =>
    door !== null && (one.doors?.includes(door) ?? known?.cameras?.includes(one.name) ?? false);
  const chosen = door === null ? cameras : cameras.filter(ofDoor);
  const pages = Math.max(1, Math.ceil(chosen.length / layout));
  const at = Math.min(page, pages - 1);
  const large = chosen.find(({ name }) => name === camera);
  const shown = large ? [large] : chosen.slice(at * layout, (at + 1) * layout);
  const tiles = useRef<HTMLDivElement>(null);
  const columns = useColumns(tiles, shown.length);
  const doorLabel = inLanguage(known?.label, i18n.language, door ?? "");
  const go = (step: number) => setPage((at + step + pages) % pages);

  return (
    <section className="panel wall" aria-label={t("cameras.title")}>
      <header className="panel-head">
        <h2>{door === null ? t("cameras.title") : t("cameras.ofDoor", { door: doorLabel })}</h2>
        <div className="wall-acts">
          {door !== null && <Button onClick={onWall}>{t("cameras.all")}</Button>}
          {pages > 1 && !large && (
            <>
              <Button icon={<LeftOutlined aria-hidden />} aria-label={t("cameras.previous")} onClick={() => go(-1)} />
              <span className="dim">{t("cameras.page", { page: at + 1, pages })}</span>
              <Button icon={<RightOutlined aria-hidden />} aria-label={t("cameras.next")} onClick={() => go(1)} />
            </>
          )}
          <Segmented<Layout>
            aria-label={t("cameras.layout")}
            options={[...LAYOUTS]}
            value={layout}
            onChange={setLayout}
          />
        </div>
      </header>
      <div
        ref={tiles}
        className="tiles"
        style={{ gridTemplateColumns: `repeat(${columns}, 1fr)` }}
        data-count={shown.length}
      >
        {shown.map((one) => (
          <LiveTile
            key={one.name}
            camera={one}
            large={one === large}
            small={shown.length > 1}
            onToggle={() => onCamera(one === large ? null : one.name)}
          />
        ))}
      </div>
      {shown.length === 0 && (
        <p className="empty">{door === null ? t("cameras.none") : t("cameras.noneOfDoor", { door: doorLabel })}</p>
      )}
    </section>
  );
}
