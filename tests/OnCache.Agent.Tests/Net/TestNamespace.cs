using System.Diagnostics;
using System.Globalization;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

using Microsoft.Win32.SafeHandles;

using OnCache.Agent.Net;

namespace OnCache.Agent.Tests.Net;

/// <summary>A throw-away network namespace, removed on disposal together with every device in it.</summary>
internal sealed partial class TestNamespace : IDisposable
{
    private const int CloneNewNet = 0x40000000;

    private TestNamespace(string name) => Name = name;

    public string Name { get; }

    private string Path => $"/run/netns/{Name}";

    /// <summary>Makes a namespace whose loopback is up; skips the test where that is impossible.</summary>
    public static TestNamespace Create()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "needs root, to create network namespaces");
        Assert.SkipUnless(File.Exists("/usr/sbin/ip") || File.Exists("/sbin/ip"), "needs ip (Debian package iproute2)");
        var result = new TestNamespace($"oncache-net-{RandomNumberGenerator.GetHexString(10, lowercase: true)}");
        Execute("ip", $"netns add {result.Name}");
        try
        {
            result.Ip("link set lo up");
            // Duplicate address detection and router solicitations would only add noise.
            result.Run(() => File.WriteAllText("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1"));
            return result;
        }
        catch
        {
            result.Dispose();
            throw;
        }
    }

    /// <summary>Runs <c>ip</c> in this namespace and returns what it printed.</summary>
    public string Ip(string arguments) => Execute("ip", $"-n {Name} {arguments}");

    /// <summary>Runs several <c>ip</c> commands, one a line, in one process.</summary>
    public void IpBatch(params IEnumerable<string> commands) => Execute("ip", $"-n {Name} -batch -", string.Join('\n', commands) + "\n");

    /// <summary>Runs a program in this namespace; its working directory and /sys stay those of the test.</summary>
    public string Do(string command, string arguments = "", string? input = null) => Execute("nsenter", $"--net={Path} {command} {arguments}", input);

    /// <summary>Runs <c>tc</c> in this namespace.</summary>
    public string Tc(string arguments) => Execute("tc", $"-n {Name} {arguments}");

    /// <summary>Runs <c>bridge</c> in this namespace.</summary>
    public string Bridge(string arguments) => Execute("bridge", $"-n {Name} {arguments}");

    /// <summary>Runs several <c>bridge</c> commands, one a line, in one process.</summary>
    public void BridgeBatch(params IEnumerable<string> commands) =>
        Execute("bridge", $"-n {Name} -batch -", string.Join('\n', commands) + "\n");

    /// <summary>Skips the test where the kernel has no IPsec.</summary>
    public void RequireIpsec()
    {
        using var socket = Run(XfrmSocket.TryOpen);
        Assert.SkipUnless(socket is not null, "needs a kernel with IPsec (CONFIG_XFRM_USER)");
    }

    /// <summary>Runs the function inside this namespace, on a thread that ends with it: pool threads must never change namespace.</summary>
    public T Run<T>(Func<T> function)
    {
        T? result = default;
        ExceptionDispatchInfo? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                Enter();
                result = function();
            }
            catch (Exception e)
            {
                failure = ExceptionDispatchInfo.Capture(e);
            }
        });
        thread.Start();
        thread.Join();
        failure?.Throw();
        return result!;
    }

    /// <inheritdoc cref="Run{T}(Func{T})"/>
    public void Run(Action action) => Run(() =>
    {
        action();
        return true;
    });

    /// <inheritdoc/>
    public void Dispose() => Execute("ip", $"netns delete {Name}");

    private void Enter()
    {
        // File.OpenHandle opens with O_CLOEXEC.
        using var file = File.OpenHandle(Path);
        if (setns(file, CloneNewNet) != 0)
        {
            throw new IOException($"setns {Path}: {Marshal.GetLastPInvokeErrorMessage()}");
        }
    }

    private static string Execute(string command, string arguments, string? input = null)
    {
        using var process = Process.Start(new ProcessStartInfo(command, arguments)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        }) ?? throw new InvalidOperationException($"{command} did not start");
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        process.WaitForExit();
        return process.ExitCode == 0
            ? output.Result
            : throw new InvalidOperationException(
                string.Create(CultureInfo.InvariantCulture, $"{command} {arguments}: exit code {process.ExitCode}: {errors.Result}"));
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setns(SafeFileHandle fd, int type);
}
