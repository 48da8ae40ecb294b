namespace OnCache.Lab;

/// <summary>Checks of what a user has given; what is wrong is named with the field and what would be right.</summary>
internal static class OptionChecks
{
    /// <exception cref="LabOptionException">One of them is no name that is known.</exception>
    public static void Known(string field, IReadOnlyList<string> given, IReadOnlyList<string> known)
    {
        if (given.FirstOrDefault(name => !known.Contains(name, StringComparer.Ordinal)) is { } unknown)
        {
            throw new LabOptionException(field, unknown, $"one of {string.Join(", ", known)}");
        }
    }

    /// <exception cref="LabOptionException">The number is out of bounds.</exception>
    public static void Within(string field, int value, int least, int most)
    {
        if (value < least || value > most)
        {
            throw new LabOptionException(field, value, $"in {least}..{most}");
        }
    }

    /// <exception cref="LabOptionException">There is no such file.</exception>
    public static void ExistingProgram(string field, string path)
    {
        if (!File.Exists(path))
        {
            throw new LabOptionException(field, path, "an existing program");
        }
    }
}
