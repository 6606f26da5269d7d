package dev.perdure.kubernetes.manifest;

/**
 * A place in a manifest.
 *
 * @param path such as {@code spec.steps[2].if.then[0]}
 */
public record Place(String path) {

    Place member(String name) {
        return new Place(path + "." + name);
    }

    Place item(int index) {
        return new Place(path + "[" + index + "]");
    }

    InvalidDefinitionException invalid(String problem) {
        return new InvalidDefinitionException(path + ": " + problem);
    }

    @Override
    public String toString() {
        return path;
    }
}
