using System.Text.RegularExpressions;

namespace OnCache.Agent.Configuration.Yaml;

/// <summary>What a scalar stands for.</summary>
internal enum YamlScalarKind
{
    String,
    Null,
    Boolean,
    Integer,
    Float,
}

/// <summary>YAML 1.2's core schema (section 10.3.2): what an unquoted scalar stands for.</summary>
internal static partial class CoreSchema
{
    public static YamlScalarKind KindOf(string text) => text switch
    {
        "" or "~" or "null" or "Null" or "NULL" => YamlScalarKind.Null,
        "true" or "True" or "TRUE" or "false" or "False" or "FALSE" => YamlScalarKind.Boolean,
        _ when Integer().IsMatch(text) => YamlScalarKind.Integer,
        _ when Float().IsMatch(text) => YamlScalarKind.Float,
        _ => YamlScalarKind.String,
    };

    [GeneratedRegex(@"\A(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)\z", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Integer();

    [GeneratedRegex(@"\A(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\z", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Float();
}
