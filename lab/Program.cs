using OnCache.Lab.Commands;

return await CommandLine.RunAsync(args);
