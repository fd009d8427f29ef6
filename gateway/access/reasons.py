"""Why a door stayed shut: one word for the record, one sentence in each language for people."""

from enum import StrEnum

from gateway.access.model import Credential, CredentialState


class DenyReason(StrEnum):
    """ONVIF's deny reasons (Access Control Service, tns1:AccessControl/Denied) first, the house's own after them."""

    CREDENTIAL_NOT_FOUND = "CredentialNotFound"
    CREDENTIAL_NOT_ENABLED = "CredentialNotEnabled"
    CREDENTIAL_NOT_ACTIVE = "CredentialNotActive"
    CREDENTIAL_EXPIRED = "CredentialExpired"
    INVALID_PIN = "InvalidPIN"
    NOT_PERMITTED_AT_THIS_TIME = "NotPermittedAtThisTime"
    UNAUTHORIZED = "Unauthorized"
    OTHER = "Other"

    MALFORMED = "Malformed"
    UNKNOWN_FORMAT = "UnknownFormat"
    READER_THROTTLED = "ReaderThrottled"
    WRONG_SITE = "WrongSite"
    UNKNOWN_ISSUER = "UnknownIssuer"
    BAD_SIGNATURE = "BadSignature"
    PASS_DENIED = "PassDenied"  # noqa: S105 - a reason, not a password
    STATIC_CODE_OFF = "StaticCodeOff"
    LEASE_EXPIRED = "LeaseExpired"
    ASSURANCE_TOO_LOW = "AssuranceTooLow"
    WRONG_DOOR = "WrongDoor"
    CODE_FROM_FUTURE = "CodeFromFuture"
    CODE_EXPIRED = "CodeExpired"
    REPLAYED = "Replayed"
    USED_UP = "UsedUp"
    NOT_PUBLIC = "NotPublic"
    DOOR_BLOCKED = "DoorBlocked"
    INTERLOCKED = "Interlocked"
    ESCORT_NEEDED = "EscortNeeded"
    FIRST_PERSON_MISSING = "FirstPersonMissing"
    PASSBACK_VIOLATION = "PassbackViolation"
    OCCUPANCY_REACHED = "OccupancyReached"
    SECOND_PERSON_NEEDED = "SecondPersonNeeded"
    OCCUPANCY_LOW = "OccupancyLow"  # never refuses: noted with the grant of who leaves


REASONS: dict[DenyReason, tuple[str, str]] = {  # zh-CN, English
    DenyReason.CREDENTIAL_NOT_FOUND: ("此凭证未登记。", "This credential is not registered."),
    DenyReason.CREDENTIAL_NOT_ENABLED: ("此凭证已停用或挂失。", "This credential is disabled or reported lost."),
    DenyReason.CREDENTIAL_NOT_ACTIVE: ("此凭证尚未生效。", "This credential is not valid yet."),
    DenyReason.CREDENTIAL_EXPIRED: ("此凭证已过期。", "This credential has expired."),
    DenyReason.INVALID_PIN: ("密码错误。", "The PIN is wrong."),
    DenyReason.NOT_PERMITTED_AT_THIS_TIME: ("当前时段无权通行。", "Passage is not permitted at this time."),
    DenyReason.UNAUTHORIZED: ("此凭证无权通过此门。", "This credential has no right to this door."),
    DenyReason.OTHER: ("因其他原因拒绝通行。", "Passage was refused for another reason."),
    DenyReason.MALFORMED: ("读取的内容格式错误。", "What was read is malformed."),
    DenyReason.UNKNOWN_FORMAT: ("读卡器未配置此卡格式。", "The reader is not set up for this card format."),
    DenyReason.READER_THROTTLED: ("多次读取失败，读卡器暂停受理。", "Too many refused reads: the reader is paused."),
    DenyReason.WRONG_SITE: ("此码属于其他小区。", "This code belongs to another site."),
    DenyReason.UNKNOWN_ISSUER: ("签发方未登记。", "The issuer of this pass is not registered."),
    DenyReason.BAD_SIGNATURE: ("签名无效。", "The signature is not valid."),
    DenyReason.PASS_DENIED: ("此访客通行证已撤销。", "This visitor pass has been called back."),
    DenyReason.STATIC_CODE_OFF: ("本小区未启用静态码。", "Static codes are off at this site."),
    DenyReason.LEASE_EXPIRED: ("授权过久未与中心核对。", "The right has not been confirmed for too long."),
    DenyReason.ASSURANCE_TOO_LOW: ("此门要求更安全的凭证。", "This door asks for a stronger credential."),
    DenyReason.WRONG_DOOR: ("此码是为另一扇门生成的。", "This code was made for another door."),
    DenyReason.CODE_FROM_FUTURE: (
        "此码尚未生效，请检查手机时间。",
        "This code is not valid yet: check the phone's clock.",
    ),
    DenyReason.CODE_EXPIRED: ("此码已过期，请刷新。", "This code has expired: refresh it."),
    DenyReason.REPLAYED: ("此码已使用过，请刷新。", "This code has been used already: refresh it."),
    DenyReason.USED_UP: ("通行次数已用完。", "All its uses are spent."),
    DenyReason.NOT_PUBLIC: ("访客不得进入非公共区域。", "Visitors may not enter a zone that is not public."),
    DenyReason.DOOR_BLOCKED: ("此门已封锁。", "This door is blocked or locked down."),
    DenyReason.INTERLOCKED: ("互锁的另一扇门未关好。", "Another door of the interlock is not shut."),
    DenyReason.ESCORT_NEEDED: ("需由陪同人员带领进入。", "An escort has to go first."),
    DenyReason.FIRST_PERSON_MISSING: ("负责人尚未进入。", "Nobody in charge has come in yet."),
    DenyReason.PASSBACK_VIOLATION: ("此人已在区域内，不得重复进入。", "This person is inside already."),
    DenyReason.OCCUPANCY_REACHED: ("区域内人数已满。", "The zone is full."),
    DenyReason.SECOND_PERSON_NEEDED: ("需要第二人同时验证。", "A second person has to present a credential too."),
    DenyReason.OCCUPANCY_LOW: ("区域内剩余人数低于下限。", "Fewer persons stay behind than the zone may hold."),
}


STATES: dict[CredentialState, tuple[str, str]] = {  # why a credential is not enabled: zh-CN, English
    CredentialState.DISABLED: ("此凭证已停用。", "This credential is disabled."),
    CredentialState.SUSPENDED: ("此凭证已暂停使用。", "This credential is suspended."),
    CredentialState.LOST: ("此凭证已挂失。", "This credential was reported lost."),
    CredentialState.STOLEN: ("此凭证已报失窃。", "This credential was reported stolen."),
    CredentialState.DAMAGED: ("此凭证已损坏停用。", "This credential is out of use: damaged."),
}


def sentence(reason: DenyReason, credential: Credential | None = None) -> tuple[str, str]:
    """Why, in zh-CN and English; for a credential that is not enabled, its state."""
    if reason is DenyReason.CREDENTIAL_NOT_ENABLED and credential is not None:
        return STATES.get(credential.state, REASONS[reason])
    return REASONS[reason]


PASSED: dict[DenyReason, tuple[str, str]] = {  # what it means that a check did not refuse: zh-CN, English
    DenyReason.CREDENTIAL_NOT_FOUND: ("此凭证已登记。", "The credential is registered."),
    DenyReason.CREDENTIAL_NOT_ENABLED: ("此凭证已启用。", "The credential is enabled."),
    DenyReason.CREDENTIAL_NOT_ACTIVE: ("此凭证已生效。", "The credential is valid already."),
    DenyReason.CREDENTIAL_EXPIRED: ("此凭证未过期。", "The credential has not expired."),
    DenyReason.STATIC_CODE_OFF: ("不是静态码，或已启用静态码。", "It is no static code, or they are on."),
    DenyReason.LEASE_EXPIRED: ("授权数据足够新。", "The right was confirmed recently enough."),
    DenyReason.ASSURANCE_TOO_LOW: ("凭证安全等级足够。", "The credential is strong enough for this door."),
    DenyReason.WRONG_SITE: ("此码属于本小区。", "The code belongs to this site."),
    DenyReason.UNKNOWN_ISSUER: ("签发方已登记。", "The issuer is registered."),
    DenyReason.BAD_SIGNATURE: ("签名有效。", "The signature is valid."),
    DenyReason.PASS_DENIED: ("通行证未被撤销。", "The pass has not been called back."),
    DenyReason.WRONG_DOOR: ("此码可用于此门。", "The code is good for this door."),
    DenyReason.CODE_FROM_FUTURE: ("此码的时间未超前。", "The code's time does not lie ahead."),
    DenyReason.CODE_EXPIRED: ("此码未过期。", "The code has not expired."),
    DenyReason.REPLAYED: ("此码未曾使用。", "The code was not used before."),
    DenyReason.USED_UP: ("通行次数尚有剩余，或不限次数。", "It has uses left, or no end of them."),
    DenyReason.UNAUTHORIZED: ("有策略允许通过此门。", "A policy covers this door."),
    DenyReason.NOT_PUBLIC: ("访客可到达此区域。", "Visitors may go where this door leads."),
    DenyReason.INVALID_PIN: ("密码正确或未输入密码。", "The PIN is right, or none was entered."),
    DenyReason.DOOR_BLOCKED: ("此门未封锁。", "The door is not blocked."),
    DenyReason.INTERLOCKED: ("互锁的其他门均已关好。", "No other door of the interlock is open."),
    DenyReason.ESCORT_NEEDED: ("无需陪同，或陪同人员已进入。", "No escort is needed, or one went first."),
    DenyReason.FIRST_PERSON_MISSING: ("负责人已进入，或无此要求。", "Somebody in charge has come in, or need not."),
    DenyReason.PASSBACK_VIOLATION: ("无重复进入。", "He is not known to be inside already."),
    DenyReason.OCCUPANCY_REACHED: ("区域内尚有余位。", "The zone has room."),
    DenyReason.SECOND_PERSON_NEEDED: ("无需第二人，或第二人已验证。", "No second person is needed, or both are here."),
    DenyReason.NOT_PERMITTED_AT_THIS_TIME: ("当前时段允许通行。", "Passage is permitted at this time."),
}
