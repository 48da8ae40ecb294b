namespace OnCache.Agent.Configuration;

/// <summary>Something in a configuration file that keeps it from being used.</summary>
/// <param name="File">The file as the user named it.</param>
/// <param name="Line">Its line, counted from 1; 0 when the file as a whole is meant.</param>
/// <param name="Field">The path of the field, empty when none is meant.</param>
/// <param name="Message">The value, what is wrong with it and what would be right.</param>
internal sealed record ConfigurationProblem(string File, int Line, string Field, string Message)
{
    /// <inheritdoc/>
    public override string ToString() =>
        (Line > 0 ? $"{File}:{Line}: " : $"{File}: ") + (Field.Length > 0 ? $"{Field}: " : "") + Message;
}
