using System.CommandLine;
using System.Globalization;
using OnCache.Lab.Topology;

namespace OnCache.Lab.Commands;

/// <summary>Options that several commands share.</summary>
internal static class LabArguments
{
    public const string DefaultName = "lab";

    public static Option<string> Name() => new("--name")
    {
        Description = "Name of the lab",
        DefaultValueFactory = _ => DefaultName,
    };

    public static Option<string> Root() => new("--root")
    {
        Description = "The checkout whose manifests and images are installed",
        DefaultValueFactory = _ => Directory.GetCurrentDirectory(),
    };

    public static Option<string?> Json() => new("--json") { Description = "Write the result to this file too" };

    /// <summary>An option with a whole number; its bounds are checked, and named, by <see cref="LabOptions.Validate"/>.</summary>
    public static Option<int> Number(string name, string description, int value) => new(name)
    {
        Description = description,
        DefaultValueFactory = _ => value,
        CustomParser = result =>
        {
            var text = result.Tokens.Count == 1 ? result.Tokens[0].Value : "";
            if (!int.TryParse(text, out var number))
            {
                result.AddError($"{name[2..]}: '{text}' is not a whole number");
            }

            return number;
        },
    };

    /// <summary>An option with a decimal number, written with a point.</summary>
    public static Option<double?> Real(string name, string description) => new(name)
    {
        Description = description,
        CustomParser = result =>
        {
            var text = result.Tokens.Count == 1 ? result.Tokens[0].Value : "";
            if (!double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number))
            {
                result.AddError($"{name[2..]}: '{text}' is not a number");
            }

            return number;
        },
    };
}
