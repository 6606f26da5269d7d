package dev.perdure.web.answer;

import jakarta.inject.Singleton;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** The counts of each database of this process. Thread-safe. */
@Singleton
public class AnswersOfDatabases {

    private final Map<String, AnswerCounts> all = new ConcurrentHashMap<>();

    /** Those of the database of this name. */
    public AnswerCounts of(String database) {
        return all.computeIfAbsent(database, ignored -> new AnswerCounts());
    }
}
