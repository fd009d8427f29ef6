-- The recorder's index. Times are Unix microseconds (UTC). Paths are relative to the recordings folder, absolute on other
-- disks.

create table if not exists camera (
  name text primary key,
  seq integer not null default 0,      -- last link of the hash chain
  chain text not null default '',      -- its SHA-256
  bytes integer not null default 0     -- of all segments: kept, never summed
) without rowid;

-- Segments without a gap: one connection of one ffmpeg.
create table if not exists run (
  id text primary key,                 -- never repeats, also after the index was lost
  camera text not null,
  started_us integer not null,
  ended_us integer,                    -- null: runs, or the recorder was killed
  reason text,
  anchor_us integer,                   -- wall time of stream time zero, as last known
  camera_ppm real,                     -- how much faster than the host's the camera's clock ran; null: not known
  camera_offset_us integer,            -- how far ahead of the host's the camera's own wall clock was; null: not told
  host_ppm real,                       -- how much the host's clock was being slewed
  host_error_us integer                -- how wrong the host's clock was at most, says its kernel; null: not synchronised
) without rowid;
create index if not exists run_camera on run (camera, started_us);

-- What stands before the first fragment; a camera has a new one when its picture's size or coding changes.
create table if not exists init (
  id integer primary key,
  bytes integer not null,
  mime text not null,
  width integer not null,
  height integer not null,
  unique (bytes, mime, width, height)
);

create table if not exists segment (
  id text primary key,                 -- run, number in the run
  camera text not null,
  start_us integer not null,
  end_us integer not null check (end_us >= start_us),
  bytes integer not null check (bytes > 0),
  path text not null unique,
  init integer not null references init (id),
  gops blob not null,                  -- camera/segment.py: pack_gops
  sha256 text not null,
  salvaged integer not null,           -- 1: cut at its last whole fragment after a fault
  seq integer not null,
  prev text not null,
  chain text not null,
  class integer not null default 1,    -- camera/marks.py: what it is worth now
  least integer not null default 1,    -- the lowest class that its time's mode keeps
  disk text not null default ''        -- empty: the one with the index
);
create index if not exists segment_time on segment (camera, start_us, end_us, bytes, id);  -- a timeline reads no row
drop index if exists segment_age;
create index if not exists segment_shelf on segment (camera, class, start_us);
drop index if exists segment_disk_shelf;
create index if not exists segment_room on segment (disk, class, start_us, bytes);  -- what a disk holds reads no row
create unique index if not exists segment_chain on segment (camera, seq);

-- Where the other disks are; the one with the index has no row.
create table if not exists disk (
  name text primary key,
  folder text not null                 -- absolute, as in its segments' paths
) without rowid;

-- The same as `segment`, without its files: neighbours share a row. A month of 16 cameras is some hundred rows.
create table if not exists recorded (
  camera text not null,
  from_us integer not null,
  to_us integer not null,
  bytes integer not null,
  files integer not null,
  primary key (camera, from_us)
) without rowid;

-- Who took which footage away, when and why.
create table if not exists export (
  id integer primary key,
  at_us integer not null,
  by text not null,
  reason text not null,
  cameras text not null,               -- a JSON list
  from_us integer not null,
  to_us integer not null,
  manifest text not null               -- SHA-256 of its manifest
);

create table if not exists gap (
  id integer primary key,
  camera text not null,
  from_us integer not null,
  to_us integer,                       -- null: lasts
  reason text not null
);
create index if not exists gap_time on gap (camera, from_us);

-- When something happened before a camera: gives footage its class.
create table if not exists mark (
  id integer primary key,
  camera text not null,
  from_us integer not null,
  to_us integer not null check (to_us >= from_us),
  class integer not null check (class in (2, 3)),  -- camera/marks.py: motion, event
  reason text not null
);
create index if not exists mark_time on mark (camera, from_us, to_us);

-- Pictures of what happened at doors; with their own files, and their own retention.
create table if not exists snapshot (
  camera text not null,
  at_us integer not null,
  bytes integer not null,
  sha256 text not null,
  why text not null,                   -- there is none; empty: there is one
  primary key (camera, at_us)
) without rowid;
create index if not exists snapshot_age on snapshot (at_us, bytes);

create table if not exists hold (
  id integer primary key autoincrement,
  camera text not null,
  from_us integer not null,
  to_us integer not null check (to_us > from_us),
  reason text not null,
  by text not null,
  until_us integer                     -- null: until it is lifted
);

-- What went, or is going, to the store elsewhere.
create table if not exists offsite (
  key text primary key,
  upload text,                         -- of one that was begun: the store's id of it
  sha256 text,
  done_us integer                      -- null: not there yet
) without rowid;

-- Deletion, step 1 of 2: the row is gone, the file may still be there.
create table if not exists garbage (
  path text primary key
) without rowid;

-- Links of the chain whose files retention removed; neighbours share a row.
create table if not exists erased (
  camera text not null,
  from_seq integer not null,
  to_seq integer not null,
  prev text not null,
  chain text not null,
  from_us integer not null,
  to_us integer not null,
  reason text not null,
  primary key (camera, from_seq)
) without rowid;

-- What was seen where it should not be; cameras that no longer see.
create table if not exists alarm (
  id integer primary key autoincrement,
  camera text not null,
  kind text not null,                  -- camera/alarms.py: AlarmKind
  zone text not null,                  -- of motion; else empty
  door text not null,                  -- whose passage explains it; or empty
  from_us integer not null,
  to_us integer,                       -- null: lasts
  detail text not null,
  still text not null,                 -- a path; empty: none
  changed integer not null             -- from alarm_log's counter
);
create index if not exists alarm_changed on alarm (changed);
create index if not exists alarm_open on alarm (to_us);

create table if not exists alarm_log (
  id text primary key,                 -- which log this is; a lost index begins another one
  changed integer not null default 0
) without rowid;
