package dev.perdure.kubernetes.api;

/** Reasons of conditions, statuses and events, in CamelCase as Kubernetes wants them. */
public final class Reason {

    public static final String ACCEPTED = "Accepted";
    public static final String INVALID_DEFINITION = "InvalidDefinition";
    public static final String ROLE_NOT_ALLOWED = "RoleNotAllowed";
    public static final String SUBMITTED = "Submitted";
    public static final String DATABASE_UNAVAILABLE = "DatabaseUnavailable";

    /** A worker of this name that is connected to another database has the resource. */
    public static final String OTHER_DATABASE = "OtherDatabase";

    /** No worker of the name that the resource gives has ever led in its namespace. */
    public static final String UNKNOWN_WORKER = "UnknownWorker";

    public static final String LOGIN_FAILED = "LoginFailed";
    public static final String PERMISSION_DENIED = "PermissionDenied";
    public static final String COMPLETED = "Completed";
    public static final String FAILED = "Failed";
    public static final String CANCELLED = "Cancelled";
    public static final String DEADLINE_EXCEEDED = "DeadlineExceeded";
    public static final String INSTANCE_GONE = "InstanceGone";

    public static final String CREATED = "Created";
    public static final String ALREADY_ACTIVE = "AlreadyActive";
    public static final String MISSED_SCHEDULE = "MissedSchedule";

    /** The API server refuses the runs of a schedule. */
    public static final String RUN_REFUSED = "RunRefused";

    /** The API server refuses a write of the worker. */
    public static final String WRITE_REFUSED = "WriteRefused";

    /** Our own fault. */
    public static final String INTERNAL_ERROR = "InternalError";

    public static final String FORCED = "Forced";
    public static final String RUNNING = "Running";
    public static final String SUSPENDED = "Suspended";

    private Reason() {}
}
