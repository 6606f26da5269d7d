package dev.perdure.doctor;

import java.sql.SQLException;
import java.util.List;

/** Check of the encoding: the database can hold every text of a workflow. */
final class EncodingCheck implements Check {

    @Override
    public String subject() {
        return "encoding";
    }

    @Override
    public List<Finding> look(Patient patient) throws SQLException {
        String encoding = patient.value(
                "SELECT pg_encoding_to_char(d.encoding) FROM pg_database d WHERE d.datname = current_database()");
        return encoding.equals("UTF8")
                ? List.of(Finding.ok(subject(), encoding))
                : List.of(Finding.problem(
                        subject(),
                        "the database has the encoding " + encoding + ", which cannot hold every text",
                        "another database: CREATE DATABASE … TEMPLATE template0 ENCODING 'UTF8'"));
    }
}
