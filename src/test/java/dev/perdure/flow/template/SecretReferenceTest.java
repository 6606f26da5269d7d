package dev.perdure.flow.template;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class SecretReferenceTest {

    @Test
    void names_that_could_leave_the_directory_are_no_references() {
        List<String> names = new ArrayList<>();
        for (String name :
                List.of("..", "../x", "/x", "a/../b", "a//b", "a/b/c", ".hidden", "a/.b", "", "a b", "a\\b")) {
            SecretReference.collect(SecretReference.mark("{{secret:" + name + "}}"), names);
        }
        assertThat(names).isEmpty();
    }
}
