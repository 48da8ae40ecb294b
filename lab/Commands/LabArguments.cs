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

    public static Option<string> Agent() => new("--agent")
    {
        Description = "Path of oncache-agent",
        DefaultValueFactory = _ => Path.Combine(AppContext.BaseDirectory, "oncache-agent"),
    };

    public static Option<string> Output() => new("--output")
    {
        Description = "Folder for the JSON file and the page",
        DefaultValueFactory = _ => Path.Combine("artifacts", "bench"),
    };

    /// <summary>An option with words that commas separate; empty when it is left out.</summary>
    public static Option<IReadOnlyList<string>> Words(string name, string description) => new(name)
    {
        Description = description,
        DefaultValueFactory = _ => [],
        CustomParser = result => result.Tokens.Count == 1 ? result.Tokens[0].Value.Split(',') : [""],
    };

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
