package dev.perdure.kubernetes;

/** Reasons of conditions, statuses and events, in CamelCase as Kubernetes wants them. */
final class Reason {

    static final String ACCEPTED = "Accepted";
    static final String INVALID_DEFINITION = "InvalidDefinition";
    static final String ROLE_NOT_ALLOWED = "RoleNotAllowed";
    static final String SUBMITTED = "Submitted";
    static final String DATABASE_UNAVAILABLE = "DatabaseUnavailable";
    static final String LOGIN_FAILED = "LoginFailed";
    static final String PERMISSION_DENIED = "PermissionDenied";
    static final String COMPLETED = "Completed";
    static final String FAILED = "Failed";
    static final String CANCELLED = "Cancelled";
    static final String DEADLINE_EXCEEDED = "DeadlineExceeded";
    static final String INSTANCE_GONE = "InstanceGone";

    static final String CREATED = "Created";
    static final String ALREADY_ACTIVE = "AlreadyActive";
    static final String MISSED_SCHEDULE = "MissedSchedule";

    private Reason() {}
}
