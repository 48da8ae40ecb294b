namespace OnCache.Agent.Configuration.Yaml;

/// <summary>A value of a YAML document with the line it stands on, counted from 1.</summary>
internal abstract record YamlValue(int Line);

/// <summary>A single value. A plain one, without quotes, may stand for a number, a truth value or nothing.</summary>
internal sealed record YamlScalar(int Line, string Text, bool Plain) : YamlValue(Line)
{
    /// <summary>What YAML's core schema makes of it.</summary>
    public YamlScalarKind Kind => Plain ? CoreSchema.KindOf(Text) : YamlScalarKind.String;
}

/// <summary>A list.</summary>
internal sealed record YamlSequence(int Line, IReadOnlyList<YamlValue> Items) : YamlValue(Line);

/// <summary>A mapping, its fields in the order of the file. Where a name is given again, the first counts and the others are <paramref name="Repeated"/>.</summary>
internal sealed record YamlMapping(int Line, IReadOnlyList<YamlField> Fields, IReadOnlyList<YamlField> Repeated) : YamlValue(Line);

/// <summary>One field of a mapping.</summary>
internal sealed record YamlField(int Line, string Name, YamlValue Value);
