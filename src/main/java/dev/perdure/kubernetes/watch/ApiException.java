package dev.perdure.kubernetes.watch;

import java.net.HttpURLConnection;

/** A request that the API server refused, or did not answer. */
public final class ApiException extends Exception {

    private static final long serialVersionUID = 1L;
    private static final int UNPROCESSABLE = 422;
    private static final int TOO_MANY_REQUESTS = 429;

    private final int code;

    /**
     * @param code the HTTP status; 0 when there was no answer
     * @param message what the API server says
     */
    ApiException(int code, String message) {
        super(message);
        this.code = code;
    }

    public boolean isForbidden() {
        return code == HttpURLConnection.HTTP_FORBIDDEN || code == HttpURLConnection.HTTP_UNAUTHORIZED;
    }

    public boolean isNotFound() {
        return code == HttpURLConnection.HTTP_NOT_FOUND;
    }

    /** The resource is there already, or was changed in between. */
    public boolean isConflict() {
        return code == HttpURLConnection.HTTP_CONFLICT;
    }

    /** The version to go on from is too old: everything has to be listed again. */
    public boolean isExpired() {
        return code == HttpURLConnection.HTTP_GONE;
    }

    /** Whether the content of the request is refused: the same will be refused again, unless something else changes. */
    public boolean isRefusal() {
        return code == HttpURLConnection.HTTP_BAD_REQUEST
                || code == HttpURLConnection.HTTP_FORBIDDEN
                || code == HttpURLConnection.HTTP_ENTITY_TOO_LARGE
                || code == UNPROCESSABLE;
    }

    boolean isUnanswered() {
        return code == 0;
    }

    /** There was no answer, or one without information about the request: another try may do. */
    public boolean isPassing() {
        return code == 0 || code == TOO_MANY_REQUESTS || code >= HttpURLConnection.HTTP_INTERNAL_ERROR;
    }
}
