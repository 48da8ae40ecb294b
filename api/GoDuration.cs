using System.Globalization;
using System.Text;

namespace OnCache.Api;

/// <summary>Durations as Kubernetes writes them: numbers with the units h, m, s and ms, such as <c>1m30s</c> or <c>500ms</c>.</summary>
public static class GoDuration
{
    /// <summary>Reads a duration that is not negative; resolution is one millisecond.</summary>
    public static bool TryParse(string text, out TimeSpan duration)
    {
        duration = default;
        if (text is "0")
        {
            return true;
        }

        var total = 0m;
        var rest = text.AsSpan();
        while (!rest.IsEmpty)
        {
            var digits = 0;
            while (digits < rest.Length && (char.IsAsciiDigit(rest[digits]) || rest[digits] == '.'))
            {
                digits++;
            }

            var letters = digits;
            while (letters < rest.Length && char.IsAsciiLetter(rest[letters]))
            {
                letters++;
            }

            decimal milliseconds = rest[digits..letters] switch
            {
                "ms" => 1,
                "s" => 1000,
                "m" => 60_000,
                "h" => 3_600_000,
                _ => 0,
            };

            // Ten characters per number keep the sum far from overflow; the longest duration accepted anywhere is minutes.
            if (milliseconds == 0
                || digits > 10
                || !decimal.TryParse(rest[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number))
            {
                return false;
            }

            total += number * milliseconds;
            rest = rest[letters..];
        }

        if (text.Length == 0 || total != decimal.Truncate(total) || total > (decimal)TimeSpan.MaxValue.TotalMilliseconds / 2)
        {
            return false;
        }

        duration = TimeSpan.FromMilliseconds((long)total);
        return true;
    }

    /// <summary>Writes a duration so that <see cref="TryParse"/> reads it back; parts of a millisecond are dropped.</summary>
    public static string Format(TimeSpan duration)
    {
        var text = new StringBuilder();
        var milliseconds = (long)duration.TotalMilliseconds;
        Append(text, "h", ref milliseconds, 3_600_000);
        Append(text, "m", ref milliseconds, 60_000);
        Append(text, "s", ref milliseconds, 1000);
        Append(text, "ms", ref milliseconds, 1);
        return text.Length == 0 ? "0s" : text.ToString();
    }

    private static void Append(StringBuilder text, string unit, ref long rest, long size)
    {
        if (rest >= size)
        {
            _ = text.Append(CultureInfo.InvariantCulture, $"{rest / size}{unit}");
            rest %= size;
        }
    }
}
