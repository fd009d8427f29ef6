import { useMutation } from "@tanstack/react-query";
import { Alert, Button, Form, Input } from "antd";
import { useTranslation } from "react-i18next";

import { changePassword } from "../api/calls";
import type { User } from "../api/types";
import { Entrance } from "./Entrance";
import { problemText } from "./problem_text";

interface Fields {
  old: string;
  fresh: string;
  again: string;
}

const MIN_LENGTH = 8; // as the server asks

interface Props {
  user: User;
  onDone: () => void;
  onCancel: () => void;
}

export function PasswordForm({ user, onDone, onCancel }: Props) {
  const { t } = useTranslation();
  const { mutate, error, isPending } = useMutation({
    mutationFn: ({ old, fresh }: Fields) => changePassword(old, fresh),
    onSuccess: onDone,
  });
  const required = { required: true, message: t("login.needPassword") };
  return (
    <Entrance title={t("password.title")} known={!user.must_change}>
      {user.must_change && <Alert className="gap-below" type="info" showIcon title={t("password.forced")} />}
      {error && <Alert className="gap-below" type="error" showIcon role="alert" title={problemText(t, error)} />}
      <Form<Fields> layout="vertical" size="large" requiredMark={false} onFinish={mutate}>
        <input type="text" autoComplete="username" value={user.username} readOnly hidden />
        <Form.Item name="old" label={t("password.old")} rules={[required]}>
          <Input.Password autoComplete="current-password" autoFocus />
        </Form.Item>
        <Form.Item
          name="fresh"
          label={t("password.new")}
          extra={t("password.rule", { count: MIN_LENGTH })}
          dependencies={["old"]}
          rules={[
            required,
            { min: MIN_LENGTH, message: t("password.rule", { count: MIN_LENGTH }) },
            ({ getFieldValue }) => ({
              validator: (_, value) =>
                value && value === getFieldValue("old")
                  ? Promise.reject(new Error(t("password.same")))
                  : Promise.resolve(),
            }),
          ]}
        >
          <Input.Password autoComplete="new-password" />
        </Form.Item>
        <Form.Item
          name="again"
          label={t("password.again")}
          dependencies={["fresh"]}
          rules={[
            required,
            ({ getFieldValue }) => ({
              validator: (_, value) =>
                value && value !== getFieldValue("fresh")
                  ? Promise.reject(new Error(t("password.differ")))
                  : Promise.resolve(),
            }),
          ]}
        >
          <Input.Password autoComplete="new-password" />
        </Form.Item>
        <Button type="primary" htmlType="submit" block loading={isPending}>
          {t("password.submit")}
        </Button>
        {!user.must_change && (
          <Button className="gap-above" block onClick={onCancel}>
            {t("password.cancel")}
          </Button>
        )}
      </Form>
    </Entrance>
  );
}
